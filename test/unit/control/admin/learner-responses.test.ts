import { describe, expect, test } from "bun:test";
import { LearningResponses } from "../../../../src/control/admin/learner-responses.ts";
import type { LearnerQuestion } from "../../../../src/protocol/learner.ts";
import { LearnerWord } from "../../../../src/shared/memory/layout/learning.ts";
import { SHARED_BYTES, viewSharedMemory } from "../../../../src/shared/memory/layout/shared-memory.ts";

const STATUS = { pid: 4711, state: "ready", restarts: 0, uptimeMs: 2000 } as const;
const DESCRIPTION = { rung_reason: "", mean_latency_ms: 12, remembered_tables: 3, models: {}, servers: null };
const MODEL = { version: 7, origin: "trained", status: "champion", parentVersion: null, createdAtMs: 0, statusAtMs: 0 };
const VERDICT = { atMs: 0, modelVersion: 7, kind: "promoted", reason: "Better.", numbers: {} };

/** Responses over a learner of these pools, and what it was asked. */
function responses(...names: string[]) {
  return responsesBeside([], ...names);
}

/** As `responses`, beside pools of whose traffic only samples are kept. */
function responsesBeside(sampled: readonly string[], ...names: string[]) {
  return responsesOf({ sampled, limited: [], names });
}

interface Named {
  readonly sampled: readonly string[];
  /** Those whose servers' limits are learned. */
  readonly limited: readonly string[];
  /** Those that `ml` balances. */
  readonly names: readonly string[];
}

function responsesOf({ sampled, limited, names }: Named) {
  const memory = viewSharedMemory(new ArrayBuffer(SHARED_BYTES));
  const pools = names.map((name, row) => ({ row, name, rung: row, tableAgeMs: 40 }));
  for (const { row } of pools) memory.learned[row].words[LearnerWord.CHAMPION_MODEL] = 10 + row;
  const asked: LearnerQuestion[] = [];
  const answers: Record<LearnerQuestion["kind"], unknown> = {
    describe: Object.fromEntries(names.map((name) => [name, DESCRIPTION])),
    explain: null,
    order: { done: true, message: "done" },
    models: [{ ...MODEL, pool: names[0], promotedAtMs: null, report: null }],
    verdicts: [{ ...VERDICT, pool: names.at(-1) ?? limited.at(-1) }],
  };
  const learner = {
    running: names.length + sampled.length + limited.length > 0,
    status: STATUS,
    pools,
    sampled,
    limited: limited.map((name, row) => {
      return {
        row,
        name,
        limits: true as const,
        state: "stopped" as const,
        patienceMs: 200,
        relaxation: 1,
        verdict: null,
      };
    }),
    ask: async (question: LearnerQuestion) => {
      asked.push(question);
      return answers[question.kind];
    },
  };
  return { asked, learning: new LearningResponses({ memory, learner, fleet: { endpoints: () => [] } }) };
}

describe("with one pool", () => {
  test("nothing is said of pools", async () => {
    const { learning, asked } = responses("default");
    const overview = await learning.overview(null);
    expect(overview).toMatchObject({ rung: "model", model_version: 10, table_age_ms: 40, mean_latency_ms: 12 });
    expect(Object.keys(overview)).toEqual([
      "rung",
      "learner",
      "table_age_ms",
      "model_version",
      "canary_version",
      "shares",
      "decisions",
      "samples",
      "samples_lost",
      "model_errors",
      "predictions",
      "fallbacks",
      "rung_reason",
      "mean_latency_ms",
      "remembered_tables",
      "models",
      "servers",
    ]);
    expect(JSON.stringify([await learning.models(5, null), await learning.verdicts(5, null, null)])).not.toContain(
      "pool",
    );
    expect(asked.slice(1)).toMatchObject([{ pool: "default" }, { pool: "default" }]); // not of pools that are gone
    expect(await learning.order("train", null, null)).toBe("done");
    expect(asked.at(-1)).toEqual({ kind: "order", pool: "default", order: "train", version: null, scope: "cluster" });
  });
});

describe("with several pools", () => {
  test("the overview has each by its name, or the one that is asked for", async () => {
    const { learning } = responses("default", "shop");
    expect(await learning.overview(null)).toMatchObject({
      learner: { pid: 4711 },
      pools: { default: { rung: "model", model_version: 10 }, shop: { rung: "estimator", model_version: 11 } },
    });
    const { pools } = (await learning.overview("shop")) as { pools: object };
    expect(Object.keys(pools)).toEqual(["shop"]);
  });

  test("lists say whose they are", async () => {
    const { learning, asked } = responses("default", "shop");
    expect(await learning.models(5, null)).toMatchObject({ models: [{ pool: "default", version: 7 }] });
    expect(await learning.verdicts(5, 7, "shop")).toMatchObject({ verdicts: [{ pool: "shop" }] });
    expect(asked).toEqual([
      { kind: "models", limit: 5, pool: null },
      { kind: "verdicts", limit: 5, modelVersion: 7, pool: "shop" },
    ]);
  });

  test("an order names one of them", async () => {
    const { learning, asked } = responses("default", "shop");
    const { code, message } = await learning.order("train", null, null).catch((error) => error);
    expect([code, message]).toEqual(["pool_needed", expect.stringContaining("name one of default, shop")]);
    expect(asked).toEqual([]);
    expect(await learning.order("train", null, "shop")).toBe("done");
    expect(asked).toEqual([{ kind: "order", pool: "shop", order: "train", version: null, scope: "cluster" }]);
    await expect(learning.order("train", null, "other")).rejects.toThrow(
      "no pool other is learned of: there are default, shop",
    );
    await expect(learning.explain("x", "shop")).rejects.toThrow("remembers the request x in the pool shop");
  });
});

describe("pools of whose traffic only samples are kept", () => {
  test("are no pools that are learned of", async () => {
    const { learning, asked } = responsesBeside(["api"], "default");
    const overview = await learning.overview(null);
    expect(overview).toMatchObject({ rung: "model", model_version: 10 });
    expect(JSON.stringify(overview)).not.toContain("api");
    const only = "the pool api is not balanced by ml: only samples of its traffic are kept";
    await expect(learning.overview("api")).rejects.toThrow(only);
    await expect(learning.explain("x", "api")).rejects.toThrow(only);
    await expect(learning.order("train", null, "api")).rejects.toThrow(only);
    expect(asked).toEqual([{ kind: "describe", pool: null }]);
    expect(await learning.order("train", null, null)).toBe("done"); // the other is meant
  });

  test("are named where there are no others", async () => {
    const { learning } = responsesBeside(["api", "shop"]);
    const { code, message } = await learning.models(5, null).catch((error) => error);
    expect(code).toBe("not_learning");
    expect(message).toContain("unless LB_STRATEGY=ml: only samples of the traffic of api, shop are kept");
  });
});

describe("pools with another strategy whose servers' limits are learned", () => {
  test("have verdicts on holding, and nothing else", async () => {
    const { learning, asked } = responsesOf({ sampled: [], limited: ["shop"], names: [] });
    const { verdicts } = await learning.verdicts(5, null, null);
    expect(verdicts).toHaveLength(1);
    expect(verdicts[0]).not.toHaveProperty("pool");
    expect(asked).toEqual([{ kind: "verdicts", limit: 5, modelVersion: null, pool: "shop" }]);
    await expect(learning.models(5, null)).rejects.toThrow("unless LB_STRATEGY=ml");
  });

  test("are named beside those that ml balances", async () => {
    const { learning, asked } = responsesOf({ sampled: [], limited: ["shop", "api"], names: ["shop"] });
    const { verdicts } = await learning.verdicts(5, null, "api");
    expect(verdicts[0]).toHaveProperty("pool");
    expect(asked.at(-1)).toMatchObject({ kind: "verdicts", pool: "api" });
    await expect(learning.verdicts(5, null, "nobody")).rejects.toThrow("no pool nobody");
  });
});

test("without any pool that is learned of there is nothing to say", async () => {
  await expect(responses().learning.overview(null)).rejects.toThrow("unless LB_STRATEGY=ml");
});
