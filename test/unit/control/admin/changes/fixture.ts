/** Real operations over things that tests make up. */
import type { LoadedConfig } from "../../../../../src/config/load.ts";
import type { Events } from "../../../../../src/control/events/events.ts";
import type { ControlLog } from "../../../../../src/control/log.ts";
import { Operations } from "../../../../../src/control/operations/operations.ts";
import { Turns } from "../../../../../src/control/supervisor/turns.ts";
import type { Override, OverrideTarget } from "../../../../../src/shared/operations/override.ts";
import type { OperationsStore } from "../../../../../src/storage/operations/store.ts";
import { MemoryOperationsStore } from "../../operations/memory-store.ts";

/** What is made up. */
export interface MadeUp {
  readonly configured: (target: OverrideTarget) => unknown;
  /** They are in force now. */
  readonly apply: (overrides: readonly Override[]) => void;
  readonly problems?: (overrides: readonly Override[]) => readonly string[];
  readonly events?: Events;
  readonly log?: ControlLog;
  readonly store?: OperationsStore;
  readonly loaded?: LoadedConfig;
  /** Milliseconds since the epoch. */
  readonly wallMs?: () => number;
}

const NOWHERE: ControlLog = { info: () => {}, warn: () => {}, error: () => {} };

/** Operations that keep what they are told in memory. */
export function operationsOver({ configured, apply, problems = () => [], ...more }: MadeUp): Operations {
  const turns = new Turns(() => Promise.resolve());
  return new Operations({
    store: more.store ?? new MemoryOperationsStore(),
    ground: {
      values: {
        configured: (target) => ({ kind: "value", value: configured(target) }),
        isOf: (override) => Bun.deepEquals(override.configured, configured(override)),
      },
      problems,
      apply: async (overrides) => apply(overrides),
      told: () => Promise.resolve(),
      get loaded(): LoadedConfig {
        if (more.loaded === undefined) throw new Error("nothing was loaded");
        return more.loaded;
      },
    },
    inTurn: (work) => turns.take(work),
    log: more.log ?? NOWHERE,
    events: more.events ?? { note: () => {} },
    wallMs: more.wallMs ?? (() => Date.UTC(2026, 0, 2)),
  });
}
