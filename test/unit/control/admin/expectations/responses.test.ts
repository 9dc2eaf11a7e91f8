import { expect, test } from "bun:test";
import {
  type ExpectationQuestion,
  ExpectationResponses,
  type ExpectationResponsesView,
} from "../../../../../src/control/admin/expectations/responses.ts";
import { ApiError } from "../../../../../src/control/admin/responses.ts";
import { QuestionProcessError } from "../../../../../src/control/processes/question-processes.ts";
import type { ExpectationResult, ExpectationTask } from "../../../../../src/protocol/expectation.ts";
import type { Expectations } from "../../../../../src/shared/expectations.ts";

const never = new AbortController().signal;
const store = { kind: "sqlite", directory: "/nowhere" } as const;
const ANSWER = { pool: "shop", verdict: "nothing" } as unknown as Expectations;

function responding(more: Partial<ExpectationResponsesView> = {}, result?: ExpectationResult | Error) {
  const tasks: ExpectationTask[] = [];
  const responses = new ExpectationResponses({
    questions: {
      ask: async (task) => {
        tasks.push(task);
        if (result instanceof Error) throw result;
        return result ?? { kind: "answer", answer: ANSWER };
      },
    },
    store: () => store,
    pools: () => [{ name: "shop" }],
    nowMs: () => 0,
    ...more,
  });
  const ask = (question: Partial<ExpectationQuestion> = {}) =>
    responses.ask({ pool: null, strategies: null, windowMs: 900_000, ...question }, never);
  const refused = async (question: Partial<ExpectationQuestion> = {}) => {
    const error = (await ask(question).catch((thrown: unknown) => thrown)) as ApiError;
    expect(error).toBeInstanceOf(ApiError);
    return [error.status, error.code, error.message];
  };
  return { ask, refused, tasks };
}

test("the only pool is meant where none is named; strategies are asked for once, in one order", async () => {
  const { ask, tasks } = responding();
  expect(await ask()).toBe(ANSWER);
  expect(await ask({ pool: "shop", strategies: ["p2c", "random", "p2c"] })).toBe(ANSWER);
  await ask({ pool: "shop", strategies: ["random", "p2c"] });
  expect(tasks).toEqual([
    { store, pool: "shop", strategies: null, windowMs: 900_000 },
    { store, pool: "shop", strategies: ["random", "p2c"], windowMs: 900_000 },
  ]);
});

test("of several pools one has to be named, and it must be there", async () => {
  const { refused } = responding({ pools: () => [{ name: "shop" }, { name: "blog" }] });
  expect(await refused()).toEqual([400, "pool_needed", expect.stringContaining("shop, blog")]);
  expect(await refused({ pool: "cart" })).toEqual([404, "unknown_pool", "there is no pool cart: there are shop, blog"]);
});

test("what cannot be asked has a status, a code and a sentence that says what to do", async () => {
  expect(await responding().refused({ strategies: ["p3c"] })).toEqual([
    400,
    "invalid_query",
    expect.stringContaining('there is no strategy "p3c": there are round_robin,'),
  ]);
  expect(await responding({ store: () => null }).refused()).toEqual([
    409,
    "history_off",
    expect.stringContaining("HISTORY=on"),
  ]);
  const broken = responding({}, { kind: "store", message: "it is damaged" });
  expect(await broken.refused()).toEqual([503, "history_unavailable", "it is damaged"]);
  const late = responding({}, new QuestionProcessError("late", "it took long"));
  expect(await late.refused()).toEqual([503, "expectations_timeout", "it took long"]);
  const busy = responding({}, new QuestionProcessError("busy", "others wait"));
  expect(await busy.refused()).toEqual([503, "busy", "others wait"]);
});
