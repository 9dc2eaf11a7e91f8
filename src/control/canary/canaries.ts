/**
 * The canaries of an instance, at most one a route. What is wanted of them stands in overrides, so they outlive restarts; here
 * they are compared, second by second, and what they want done is done. Lives as long as the instance.
 */
import type { RouteSpec } from "../../protocol/route.ts";
import type { SharedMemory } from "../../shared/memory/layout/shared-memory.ts";
import { sharesAt } from "../../shared/operations/canary.ts";
import type { OverrideOf } from "../../shared/operations/override.ts";
import { shortened } from "../../shared/shortened.ts";
import type { ControlLog } from "../log.ts";
import { NotKeptError } from "../operations/errors.ts";
import { ITSELF, type Operations } from "../operations/operations.ts";
import { ArmReader } from "./arm-counts.ts";
import { type Assignment, assignmentOf } from "./assignment.ts";
import { Canary, type CanaryAct, type CanaryEnd } from "./canary.ts";
import { proposeAct } from "./proposals.ts";
import { type CanaryReport, reportOf } from "./report.ts";
import { CANARY_VERDICTS, type CanaryVerdict } from "./rule.ts";

/** What it needs. */
export interface CanariesOptions {
  readonly operations: Pick<Operations, "change" | "inForceOf" | "note">;
  readonly memory: SharedMemory;
  /** Of the configuration in force. */
  readonly routes: () => readonly RouteSpec[];
  /** With how many of their servers are up: panic routing is none to be tried with. */
  readonly pools: () => readonly { readonly name: string; readonly up: number }[];
  /** Does a cookie hold clients at the servers of this pool? */
  readonly isSticky: (pool: string) => boolean;
  /** Of instances that share canaries it is this one that acts for all. */
  readonly isJudge: () => boolean;
  readonly log: ControlLog;
  /** Monotonic, milliseconds. */
  readonly nowMs: () => number;
  /** Milliseconds since the epoch. */
  readonly wallMs: () => number;
}

/** Ends that are remembered, for who looks later; the audit has all. */
const MOST_ENDED = 64;
/** What could not be done is tried again after so long. */
const RETRY_MS = 10_000;
/** Of the reason of an act, in characters. */
const MOST_REASON = 400;

interface Entry {
  readonly canary: Canary;
  readonly reader: { readonly canary: ArmReader; readonly stable: ArmReader };
  /** So many are doing something about it: what becomes of its override is known to them. */
  busy: number;
  /** An act of its own failed: not before. */
  notBeforeMs: number;
}

/** What another change of the overrides has made pointless. */
class SupersededError extends Error {}

/** One instance's. */
export class Canaries {
  readonly #options: CanariesOptions;
  /** By route; those that have ended are kept in the order in which they ended. */
  readonly #entries = new Map<string, Entry>();
  readonly #verdicts = new Map<CanaryVerdict, number>(CANARY_VERDICTS.map((verdict) => [verdict, 0]));

  constructor(options: CanariesOptions) {
    this.#options = options;
  }

  /** Those that there are, and those that have ended lately. */
  list(): CanaryReport[] {
    return [...this.#entries.values()].map(({ canary }) => reportOf(canary));
  }

  /** The one of a route; `undefined` = there is none. */
  of(route: string): CanaryReport | undefined {
    const entry = this.#entries.get(route);
    return entry && reportOf(entry.canary);
  }

  /** Verdicts since the start. */
  get verdicts(): ReadonlyMap<CanaryVerdict, number> {
    return this.#verdicts;
  }

  /** What chance would assign on this route with these pools. */
  assignmentOf(route: string, pools: readonly string[]): Assignment {
    const { routes, isSticky } = this.#options;
    return assignmentOf(routes().find(({ name }) => name === route)?.action, pools, isSticky);
  }

  /** What has ended is no longer shown. */
  forget(route: string): void {
    if (this.#entries.get(route)?.canary.isLive === false) this.#entries.delete(route);
  }

  /**
   * Somebody does something about a route's canary. Resolves and rejects as `work`.
   * @param end what becomes of it when that was done; `null` = it goes on, or there was none before.
   */
  async operate<T>(
    route: string,
    end: { readonly state: CanaryEnd; readonly why: string } | null,
    work: () => Promise<T>,
  ) {
    this.#follow(); // it may have begun elsewhere, just now
    const entry = this.#entries.get(route);
    if (entry?.canary.isLive !== true) {
      const result = await work();
      this.#follow();
      return result;
    }
    entry.busy++;
    try {
      const result = await work();
      if (end !== null) this.#end(entry, end.state, end.why);
      return result;
    } finally {
      entry.busy--;
      this.#follow();
    }
  }

  /** About once a second. @param nowMs monotonic. */
  tick(nowMs: number): void {
    this.#follow();
    const usable = new Map(this.#options.pools().map((pool) => [pool.name, pool.up > 0]));
    const { memory, routes } = this.#options;
    for (const entry of this.#entries.values()) {
      const { canary, reader } = entry;
      const route = routes().find(({ name }) => name === canary.route);
      if (!canary.isLive || entry.busy > 0 || route === undefined) continue;
      const { pool, stable } = canary.terms;
      const view = {
        canary: reader.canary.read(memory, route, [pool]),
        stable: reader.stable.read(memory, route, Object.keys(stable)),
        usable: usable.get(pool) ?? false,
      };
      if (canary.look(view, nowMs)) this.#tell(canary);
      const act = canary.advice;
      if (act === null || !canary.terms.auto || nowMs < entry.notBeforeMs || !this.#isMineToActOn(canary)) continue;
      void this.#carryOut(entry, act, nowMs);
    }
  }

  /** What is in force is what there is. */
  #follow(): void {
    const { operations, log, nowMs, wallMs } = this.#options;
    const overrides = operations.inForceOf("canary");
    const routes = new Set(overrides.map(({ target }) => target.route));
    for (const entry of this.#entries.values()) {
      const { canary, busy } = entry;
      if (!canary.isLive || busy > 0 || routes.has(canary.route)) continue;
      const why =
        "the configuration of the route has changed, or its override was removed (neurabalancer overrides audit)";
      this.#end(entry, "ended", why);
      log.warn({ route: canary.route }, `the canary of route ${canary.route} has ended: ${why}`);
    }
    for (const override of overrides) {
      const { route } = override.target;
      const entry = this.#entries.get(route);
      if (entry !== undefined && entry.busy > 0) continue;
      if (entry?.canary.isLive && entry.canary.terms.beganMs === override.value.beganMs) {
        if (!Bun.deepEquals(entry.canary.override, override)) entry.canary.change(override, nowMs(), wallMs());
        continue;
      }
      const canary = new Canary(override, this.#assignmentOf(override), nowMs(), wallMs());
      const reader = { canary: new ArmReader(), stable: new ArmReader() };
      this.#entries.delete(route);
      this.#entries.set(route, { canary, reader, busy: 0, notBeforeMs: 0 });
      const { pool, percent } = canary.terms;
      log.info({ route, pool, percent }, `canary of route ${route}: pool ${pool} is under trial with ${percent} %`);
    }
  }

  /** One instance judges for all, so that chance has one try; who has nobody to send to gives up without asking. */
  #isMineToActOn({ override, verdict }: Canary): boolean {
    const isShared = override.kept && override.scope === undefined;
    return !isShared || verdict === "unusable" || this.#options.isJudge();
  }

  #assignmentOf({ target, value }: OverrideOf<"canary">): Assignment {
    return this.assignmentOf(target.route, [value.pool, ...Object.keys(value.stable)]);
  }

  /** There is a verdict. */
  #tell(canary: Canary): void {
    const { route, terms, verdict, sentence, advice } = canary;
    if (verdict === null) return;
    this.#verdicts.set(verdict, this.#verdicts.get(verdict)! + 1);
    const { log, operations } = this.#options;
    const isGood = verdict === "no_worse";
    log[isGood ? "info" : "warn"]({ route, pool: terms.pool, verdict }, `canary of route ${route}: ${sentence}`);
    if (terms.auto || advice === null) return;
    const what = { advance: `give it ${advice.percent} %`, promote: "promote it", roll_back: "roll it back" }[
      advice.kind
    ];
    void operations.note(ITSELF, {
      action: "canary.verdict",
      target: `the canary of route ${route}`,
      before: null,
      after: verdict,
      reason: shortened(sentence, MOST_REASON),
      about: { pool: terms.pool },
      words: `canary of route ${route}: it is time to ${what}`,
    });
  }

  async #carryOut(entry: Entry, act: CanaryAct, nowMs: number): Promise<void> {
    const { canary } = entry;
    const { route, terms } = canary;
    const { scope } = canary.override;
    const { log, operations } = this.#options;
    entry.busy++;
    entry.notBeforeMs = nowMs + RETRY_MS;
    const make = (keep: boolean) =>
      operations.change(ITSELF, { reason: shortened(act.why, MOST_REASON), keep, scope }, () => {
        const present = operations.inForceOf("canary").find(({ target }) => target.route === route);
        if (!Bun.deepEquals(present, canary.override)) throw new SupersededError();
        return proposeAct(route, terms, sharesAt(terms, terms.percent), act);
      });
    try {
      await make(canary.override.kept).catch((error: Error) => {
        // What does harm goes, whether or not that can be kept.
        if (act.kind !== "roll_back" || !(error instanceof NotKeptError)) throw error;
        log.error({ route }, `canary of route ${route}: it is rolled back for this run alone: ${error.message}`);
        return make(false);
      });
      entry.notBeforeMs = 0;
      if (act.kind === "promote") this.#end(entry, "promoted", act.why);
      if (act.kind === "roll_back") this.#end(entry, "rolled_back", act.why);
    } catch (error) {
      if (!(error instanceof SupersededError)) {
        const seconds = RETRY_MS / 1000;
        const { message } = error as Error;
        log.error({ route }, `canary of route ${route}: not done, it is tried again in ${seconds} s: ${message}`);
      }
    } finally {
      entry.busy--;
      this.#follow();
    }
  }

  #end(entry: Entry, state: CanaryEnd, why: string): void {
    const { canary } = entry;
    canary.end(state, why);
    this.#entries.delete(canary.route);
    this.#entries.set(canary.route, entry);
    const ended = [...this.#entries.values()].filter((one) => !one.canary.isLive);
    for (const one of ended.slice(0, Math.max(0, ended.length - MOST_ENDED))) this.#entries.delete(one.canary.route);
  }
}
