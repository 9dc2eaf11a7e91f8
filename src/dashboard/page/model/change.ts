/** Changes as the page plans them: what is asked, what it will do in words, what takes it back. Pure. */
import type { ChangeMethod } from "../api/client.ts";

/** One request that changes something. */
export interface ChangeRequest {
  readonly method: ChangeMethod;
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>> | null;
}

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
    return was === is ? [] : [{ name: name.replaceAll("_", " "), before: was, after: is }];
  });
}

/** A value for people: never braces where it can be helped. */
export function inWords(value: unknown): string {
  if (value === null || value === undefined || value === "") return "none";
  if (typeof value === "boolean") return value ? "on" : "off";
  if (Array.isArray(value)) return value.map(inWords).join(", ");
  if (!isRecord(value)) return String(value);
  return Object.entries(value)
    .map(([name, inner]) => `${name.replaceAll("_", " ")} ${inWords(inner)}`)
    .join(", ");
}

/** The request that puts the values of `before` back that `change` has changed; `null` where that cannot be said. */
export function undoOf(change: ChangeRequest, before: unknown): ChangeRequest | null {
  if (change.method !== "PATCH" || change.body === null || !isRecord(before)) return null;
  const body: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(change.body)) {
    if (NOT_VALUES.has(name)) continue;
    if (name === "state") body.state = wantedState(before.state);
    else if (name === "options" && isRecord(value) && isRecord(before.options)) {
      body.options = Object.fromEntries(Object.keys(value).map((key) => [key, (before.options as never)[key] ?? null]));
    } else if (!(name in before)) return null;
    else body[name] = before[name];
  }
  return Object.keys(body).length === 0 ? null : { ...change, body };
}

/** An entry of the audit as a request that takes it back; `null` where the page cannot. */
export function undoOfAudit(entry: {
  readonly action: string;
  readonly before: unknown;
  readonly path: string | null;
}): ChangeRequest | null {
  if (entry.path === null || !isRecord(entry.before)) return null;
  const body = { ...entry.before };
  if ("state" in body) body.state = wantedState(body.state);
  return Object.keys(body).length === 0 ? null : { method: "PATCH", path: entry.path, body };
}

const NOT_VALUES = new Set(["reason", "until", "duration"]);

/** What an operator asks for so that a server is as it was. */
function wantedState(state: unknown): string {
  return state === "draining" || state === "drain" ? "drain" : state === "maintenance" ? "maintenance" : "active";
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
