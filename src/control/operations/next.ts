/** What a proposal makes of the overrides that there are. Pure. */
import { MAX_OVERRIDES } from "../../shared/operations/limits.ts";
import type { Override, OverrideRecord } from "../../shared/operations/override.ts";
import { overrideId } from "../../shared/operations/override-id.ts";
import type { NewOverride, Proposal } from "./change.ts";
import type { ConfiguredValues } from "./ground.ts";
import { describeTarget } from "./words.ts";

/** Who makes them, when and why. */
export type Maker = Pick<OverrideRecord, "by" | "client" | "reason" | "atMs" | "kept" | "scope">;

/** What is to become of the overrides. */
export interface Next {
  readonly made: readonly Override[];
  readonly removed: readonly Override[];
  /** What speaks against it; then nothing else counts. */
  readonly problems: readonly string[];
}

/** Works it out. @param current by id. */
export function nextOverrides(
  current: ReadonlyMap<string, Override>,
  { set = [], remove = [] }: Pick<Proposal, "set" | "remove">,
  values: ConfiguredValues,
  maker: Maker,
): Next {
  const made: Override[] = [];
  const removed: Override[] = [];
  const problems: string[] = [];
  const end = (override: Override | undefined): void => {
    if (override !== undefined && !removed.includes(override)) removed.push(override);
  };
  for (const id of remove) end(current.get(id));
  for (const override of removed.concat()) {
    if (override.kind === "server_added") endOfServer(current, override.target, end);
  }
  for (const wanted of set) {
    if (wanted.kind === "server_removed") endOfServer(current, wanted.target, end);
    const opposite = oppositeOf(current, wanted);
    if (opposite !== undefined && values.isOf(opposite)) {
      end(opposite);
      continue;
    }
    const id = overrideId(wanted);
    const configured = values.configured(wanted);
    if (configured.kind === "gone") {
      problems.push(configured.why);
      continue;
    }
    if (configured.kind === "unknown" && wanted.kind !== "state") {
      problems.push(`what is configured of ${describeTarget(wanted)} is not known yet: try again when it is there`);
      continue;
    }
    const before = configured.kind === "value" ? configured.value : "active";
    const { untilMs = null, ...what } = wanted;
    const override = { ...what, ...maker, id, untilMs, configured: before } as Override;
    if (saysNothing(wanted, override, values)) end(current.get(id));
    else made.push(override);
  }
  const left = current.size + made.filter(({ id }) => !current.has(id)).length - removed.length;
  if (left > MAX_OVERRIDES && made.length > 0) {
    problems.push(
      `there are ${current.size} overrides, and the most is ${MAX_OVERRIDES}: remove what is no longer needed`,
    );
  }
  return { made, removed, problems };
}

/** What was wanted of a server does not wait for one that comes some day under the same name. */
function endOfServer(
  current: ReadonlyMap<string, Override>,
  { pool, url }: { readonly pool: string; readonly url: string },
  end: (override: Override) => void,
): void {
  const name = url.replace(/^[^:]*:\/\//, "");
  for (const override of current.values()) {
    const isOfServer = override.kind === "weight" || override.kind === "capacity" || override.kind === "state";
    if (isOfServer && override.target.pool === pool && override.target.server === name) end(override);
  }
}

/** The overrides, by id, when it has become so. */
export function applied(
  current: ReadonlyMap<string, Override>,
  { made, removed }: Next,
): ReadonlyMap<string, Override> {
  const next = new Map(current);
  for (const { id } of removed) next.delete(id);
  for (const override of made) next.set(override.id, override);
  return next;
}

/** To add what was removed, or the other way round, is to end what was said before, where that is in force. */
function oppositeOf(current: ReadonlyMap<string, Override>, { kind, target }: NewOverride): Override | undefined {
  if (kind === "server_added") return current.get(overrideId({ kind: "server_removed", target }));
  if (kind === "server_removed") return current.get(overrideId({ kind: "server_added", target }));
  return undefined;
}

function saysNothing(wanted: NewOverride, override: Override, values: ConfiguredValues): boolean {
  if (wanted.kind === "server_added" || wanted.kind === "server_removed" || wanted.kind === "canary") return false;
  if (wanted.kind === "capacity") return false; // what is configured is shown, and only enforced if somebody wrote it
  if (wanted.kind === "state") return wanted.value === "active";
  return values.isOf({ ...override, configured: override.value } as Override);
}
