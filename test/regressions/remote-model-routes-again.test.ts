/**
 * A model server that is back after an outage routes again within seconds of its circuit closing, whatever little traffic
 * there is; and the log says that it was away, not that the learner is silent.
 */
import { expect, test } from "bun:test";
import { Load, request, until } from "../drill/fixture.ts";
import { learning, serving, startLearning, verdicts } from "../drill/learning/fixture.ts";
import { endedAfterAll } from "../support/ended-after-all.ts";

const open = endedAfterAll();

/** It is asked again soon after a failure, and is slow for nobody: what it says is what matters here. */
const PROMPT = { ML_MODEL_TIMEOUT_MS: "60000", ML_CIRCUIT_BREAKER_RESET_SECONDS: "1" };

test("a model server that is back routes again, at 25 requests a second", async () => {
  let isAway = false;
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: async (asked) => {
      if (isAway) return new Response("in maintenance", { status: 503 });
      const { servers } = (await asked.json()) as { servers: { active_conns: number }[] };
      return Response.json({ predictions: servers.map(({ active_conns }) => 1 + active_conns) });
    },
  });
  open.push({ end: () => server.stop(true) });
  const fleet = await startLearning([serving(10, 1), serving(10, 2)], {
    ML_MODEL_ENDPOINT: `http://127.0.0.1:${server.port}`,
    ...PROMPT,
    ML_CACHE_SIZE: "0",
    ML_JUDGE_SPEED: "1",
  });
  open.push(fleet);
  const { product } = fleet;
  const routes = async () => (await learning(product)).rung === "model";
  await until(routes);
  const running = new Load(25, () => request(product.port));
  await until(async () => (await product.metric("ml_samples_total")) > 50);

  for (const outage of [1, 2]) {
    isAway = true;
    await until(async () => (await product.metric("ml_circuit_breaker_open")) === 1);
    await until(async () => (await learning(product)).rung === "weighted_round_robin");
    await until(async () => (await verdicts(product)).filter(({ kind }) => kind === "demoted").length === outage);
    expect((await learning(product)).rung_reason).toContain("answered 503: in maintenance");
    await until(async () => (await product.degraded("model")) === 1);
    isAway = false;
    await until(async () => (await product.metric("ml_circuit_breaker_open")) === 0, 20_000);
    await until(routes, 20_000); // by way of hold and probation it took minutes
  }
  expect((await running.stop()).why).toEqual({});
  const kinds = (await verdicts(product)).map(({ kind }) => kind).toReversed();
  expect(kinds).toEqual(["demoted", "recovered", "demoted", "recovered"]);
  const demoted = product.lines.filter(({ msg }) => msg.startsWith("demoted: "));
  for (const { msg } of demoted) expect(msg).toContain("answered 503: in maintenance");
  expect(product.said("the model that should route cannot be loaded or asked")).toBeDefined();
  expect(product.said("the learner is silent")).toBeUndefined();
}, 120_000);

test("a model server that never answered well is named as the reason, before there is any table", async () => {
  const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => Response.json({ scores: [1, 2] }) });
  open.push({ end: () => server.stop(true) });
  const fleet = await startLearning([serving(10, 1), serving(10, 2)], {
    ML_MODEL_ENDPOINT: `http://127.0.0.1:${server.port}`,
    ...PROMPT,
  });
  open.push(fleet);
  await until(async () => /without a list "predictions"/.test((await learning(fleet.product)).rung_reason));
  await until(() => fleet.product.lines.some(({ why }) => /without a list "predictions"/.test(`${why}`)));
  expect(await learning(fleet.product)).toMatchObject({ rung: "weighted_round_robin", mean_latency_ms: null });
});
