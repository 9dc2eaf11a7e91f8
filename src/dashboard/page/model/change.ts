/** Changes as the page plans them: what is asked, what it will do in words, what takes it back. Pure. */
import type { ChangeMethod } from "../api/client.ts";

/** One request that changes something. */
export interface ChangeRequest {
  readonly method: ChangeMethod;
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>> | null;
  /** `false` = until the instance is restarted, whatever was chosen. */
  readonly keep?: false;
  /** `true` = for this instance alone, whatever was chosen. */
  readonly hereOnly?: true;
}

/** The way back from a change: requests that are made one after the other, each when the one before has been answered. */
export type WayBack = readonly UndoStep[];
/** `null` where what it is about is gone. @param answer what the step before was answered. */
export type UndoStep = (answer: unknown) => ChangeRequest | null | Promise<ChangeRequest | null>;

/** One value that is another afterwards. */
export interface Difference {
  readonly name: string;
  readonly before: string;
  readonly after: string;
}

/** What differs between two answers about the same thing, each name once, in the order of `after`. */
export function differences(before: unknown, after: unknown): Difference[] {
  if (!isRecord(before) || !isRecord(after)) {
    const [was, is] = [inWords(before), inWords(after)];
    return was === is ? [] : [{ name: "", before: was, after: is }];
  }
  const names = [...new Set([...Object.keys(after), ...Object.keys(before)])];
  return names.flatMap((name) => {
    const [was, is] = [inWords(before[name]), inWords(after[name])];
    return was === is ? [] : [{ name, before: was, after: is }];
  });
}

/** A value for people: never braces where it can be helped. */
export function inWords(value: unknown): string {
  if (value === null || value === undefined || value === "") return "none";
  if (typeof value === "boolean") return value ? "on" : "off";
  if (Array.isArray(value)) return value.map(inWords).join(", ");
  if (!isRecord(value)) return String(value);
  const { state, reason: _, until, ...rest } = value;
  if (typeof state === "string" && Object.keys(rest).length === 0) {
    return typeof until === "string" ? `${state} until ${until}` : state; // the reason stands beside it
  }
  return Object.entries(value)
    .map(([name, inner]) => `${name} ${inWords(inner)}`)
    .join(", ");
}

/**
 * The request that puts back what `change` will change; `null` where that cannot be said.
 * @param before values by the names that are sent, as the trial tells them.
 */
export function undoOf(change: ChangeRequest, before: unknown): ChangeRequest | null {
  if (change.method !== "PATCH" || change.body === null || !isRecord(before)) return null;
  const body: Record<string, unknown> = {};
  for (const name of Object.keys(change.body)) {
    if (NOT_VALUES.has(name)) continue;
    if (!(name in before)) return null;
    Object.assign(body, name === "state" ? stateBefore(before.state) : { [name]: before[name] });
  }
  return Object.keys(body).length === 0 ? null : { ...change, body };
}

const NOT_VALUES = new Set(["reason", "until", "duration"]);

/** As the API takes it: what was asked of the server, whatever its checks said; with its end and reason, if it had them. */
export function stateBefore(state: unknown): Record<string, unknown> {
  if (!isRecord(state)) return { state: wantedState(state) };
  const { until, reason } = state;
  return {
    state: wantedState(state.state),
    ...(typeof until === "string" ? { until } : {}),
    ...(typeof reason === "string" && reason !== "" ? { reason } : {}),
  };
}

function wantedState(state: unknown): string {
  if (state === "drain" || state === "draining") return "drain";
  return state === "maintenance" ? state : "active";
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
