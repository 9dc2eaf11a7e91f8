/**
 * `endpoint-load-metrics: TEXT cpu_utilization=1e300` of one server made scores that were no numbers, and the model did not
 * route again before the next restart. What no machine can report is ignored and counted.
 */
import { expect, test } from "bun:test";
import type { Behaviour } from "../drill/fixture.ts";
import { load, request, until } from "../drill/fixture.ts";
import { learning, serving, startLearning, verdicts } from "../drill/learning/fixture.ts";
import { endedAfterAll } from "../support/ended-after-all.ts";

const open = endedAfterAll();
const REPORTS = [
  "TEXT cpu_utilization=1e300",
  "TEXT mem_utilization=Infinity",
  'JSON {"cpu_utilization":-1e999}',
  "BIN AAAA",
];

const hostile: Behaviour = (socket, _path, count) => {
  const report = REPORTS[count % REPORTS.length];
  socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 2\r\nEndpoint-Load-Metrics: ${report}\r\n\r\nok`);
};

test("a report that cannot be true", async () => {
  const fleet = await startLearning([serving(10, 1), hostile]);
  open.push(fleet);
  const { product, servers } = fleet;
  await until(async () => (await learning(product)).rung === "model");
  const seen = await load(100, 4000, () => request(product.port));
  expect(seen.why).toEqual({});
  expect(seen.shares[servers[0].port] ?? 0).toBeLessThan(seen.sent); // some came from the other one
  await until(async () => (await product.metric('server_usage_ignored_total{source="header"}')) > 0);
  // A learner that the machine keeps waiting is away for a moment; a score that is no number stays.
  await until(async () => (await learning(product)).rung === "model");
  expect((await verdicts(product)).filter(({ kind }) => kind === "demoted")).toEqual([]);
  for (const usage of await product.servers()) expect((usage as { cpu_usage?: unknown }).cpu_usage ?? null).toBeNull();
});
