/**
 * The versions of a store's tables, over both parts and all kinds of backends: what each step is about. What it does is said
 * where each backend has its SQL.
 */
import type { SchemaStep } from "./schema-keeper.ts";

/** Step i leads to version i + 1. */
export const SCHEMA_STEPS: readonly SchemaStep[] = Object.freeze([
  { version: 1, parts: ["learning"], title: "samples, models and verdicts", lost: "all that was learned" },
  { version: 2, parts: ["learning"], title: "how judges and trials stand", lost: "how judges and trials stand" },
  {
    version: 3,
    parts: ["learning"],
    title: "pools of servers, each with what it learned",
    lost: "what pools other than `default` learned",
  },
  {
    version: 4,
    parts: ["history"],
    title: "what happened: the history",
    lost: "the whole history, and the weights and capacities that were set in its `servers` table",
  },
  {
    version: 5,
    parts: ["history"],
    title: "what operators have set at run time, and the audit",
    lost: "what operators have set at run time in a database, and its audit",
  },
] satisfies readonly SchemaStep[]);

/**
 * By version - 1: the oldest version of the product's tables that can work with tables of this version without harm. A step
 * that only adds what an older version does not ask for leaves it as it was.
 */
export const MIN_COMPATIBLE: readonly number[] = Object.freeze([1, 2, 3, 4, 4]);
