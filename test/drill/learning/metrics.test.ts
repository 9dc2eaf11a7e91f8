/** What the metrics of learned balancing say, with real processes. */
import { expect, test } from "bun:test";
import { endedAfterAll } from "../../support/ended-after-all.ts";
import { fail, Load, loadUntil, request } from "../fixture.ts";
import { learning, serving, startLearning, until } from "./fixture.ts";

const open = endedAfterAll();

test("requests that predictions placed are predictions, the others that should have been are errors; both latencies are of the same attempts", async () => {
  const fleet = await startLearning([serving(10, 1), serving(20, 2), fail], { RETRY_ATTEMPTS: "1" });
  open.push(fleet);
  const { product, servers } = fleet;
  const running = new Load(100, () => request(product.port));
  await until(async () => (await learning(product)).rung === "model");
  const { id } = await product.server(servers[0].port);
  const of = (name: string, server = id) => product.metric(`${name}{server_id="${server}"}`);
  await until(async () => (await of("ml_predicted_latency_seconds_count")) > 100);
  expect(await of("ml_actual_latency_seconds_count")).toBeGreaterThan(100);
  const mean = async (name: string) => (await of(`${name}_sum`)) / (await of(`${name}_count`));
  // Seconds, on a machine that may stand still at times.
  expect(await mean("ml_actual_latency_seconds")).toBeWithin(0.005, 5);
  expect(await mean("ml_predicted_latency_seconds")).toBeWithin(0.001, 5);
  const { id: bad } = await product.server(servers[2].port);
  expect(await of("ml_predicted_latency_seconds_count", bad)).toBe(0); // none of its attempts succeeded
  await running.stop();

  const requests = await product.metric("ml_predictions_total");
  const errors = await product.metric("ml_errors_total");
  const predicted = async () => (await product.metric("ml_predictions_total")) - requests;
  const { sent } = await loadUntil(
    async () => (await predicted()) > 50,
    100,
    1000,
    () => request(product.port),
  );
  const placed = await predicted();
  expect(placed).toBeLessThanOrEqual(sent); // requests, not attempts nor scores
  expect(await product.metric("ml_scores_total")).toBeGreaterThan(placed);
  expect(await product.metric("ml_model_failures_total")).toBe(0);

  process.kill((await learning(product)).learner.pid, "SIGSTOP"); // no table is fresh after a second
  const more = new Load(50, () => request(product.port));
  await until(async () => (await product.metric("ml_errors_total")) > errors + 20);
  await more.stop();
  const { predictions, fallbacks } = (await learning(product)) as unknown as Record<string, number>;
  expect(predictions).toBe(await product.metric("ml_predictions_total"));
  expect(fallbacks).toBe(await product.metric("ml_errors_total"));
}, 400_000);
