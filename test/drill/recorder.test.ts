/** What is recorded against what clients counted, while workers and recorders are killed. */
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { MetricRow, RequestRow, Resolution } from "../../src/storage/history-store.ts";
import { openHistoryReader } from "../../src/storage/open-store.ts";
import { endedAfterAll } from "../support/ended-after-all.ts";
import { eventually } from "../support/until.ts";
import { answer, Load, Product, request, serversOn, startScripted, until } from "./fixture.ts";

const open = endedAfterAll();
const PER_SECOND = 400;
const PER_SECOND_KEPT = 20;

interface Status {
  readonly workers: readonly { readonly pid: number; readonly state: string }[];
  readonly history: { readonly recorder: { readonly pid: number; readonly state: string } };
}

async function statusOf(product: Product): Promise<Status> {
  return (await (await product.admin("/api/v1/status")).json()) as Status;
}

/** Kills a process of the product, and waits until another one does its work. */
async function replace(product: Product, find: (status: Status) => { readonly pid: number; readonly state: string }) {
  const { pid } = find(await statusOf(product));
  process.kill(pid, "SIGKILL");
  await until(async () => {
    const now = find(await statusOf(product));
    return now.pid !== pid && now.state === "ready";
  });
}

async function rowsOf(directory: string, resolution: Resolution): Promise<MetricRow[]> {
  const rows: MetricRow[] = [];
  const reader = openHistoryReader({ kind: "sqlite", directory });
  for await (const page of reader.metrics({ resolution, sinceMs: 0, untilMs: 1e15 })) rows.push(...page);
  await reader.close();
  return rows;
}

async function requestsOf(directory: string): Promise<RequestRow[]> {
  const rows: RequestRow[] = [];
  const reader = openHistoryReader({ kind: "sqlite", directory });
  for await (const page of reader.requests({ sinceMs: 0, untilMs: 1e15 })) rows.push(...page);
  await reader.close();
  return rows;
}

const sum = (rows: readonly MetricRow[]): number => rows.reduce((all, { requests }) => all + requests, 0);

describe("the recorder", () => {
  test("counts what clients counted, with kill -9 of recorders and workers in between", async () => {
    const servers = await startScripted(answer, answer, answer);
    const product = await new Product({
      SERVERS: serversOn(...servers),
      HISTORY: "on",
      DATA_DIR: "data",
      REQUEST_LOG_MAX_ROWS_PER_SECOND: `${PER_SECOND_KEPT}`,
    }).ready();
    open.push(product, ...servers);
    await until(async () => (await statusOf(product)).history.recorder.state === "ready");
    const running = new Load(PER_SECOND, () => request(product.port));
    for (let kill = 0; kill < 4; kill++) {
      await replace(product, ({ history }) => history.recorder);
      await replace(product, ({ workers }) => workers[kill % 2]);
    }
    const { sent, why } = await running.stop();
    const failed = Object.values(why).reduce((all, count) => all + count, 0);
    const directory = join(product.directory, "data");
    // Who met a worker that was killed has no response, and the worker may have recorded it or not.
    await until(async () => sum(await rowsOf(directory, "second")) >= sent - failed - 4);
    // The last of them may be written between one question and the next.
    await eventually(async () => {
      const seconds = sum(await rowsOf(directory, "second"));
      expect(seconds).toBeLessThanOrEqual(sent);
      expect(sum(await rowsOf(directory, "minute"))).toBe(seconds);
      const weights = (await requestsOf(directory)).reduce((all, { weight }) => all + weight, 0);
      expect(Math.abs(weights - seconds) / seconds).toBeLessThan(0.05);
    });
    expect(await product.metric("history_requests_lost_total")).toBe(0);
    // A request that is read late counts to a later second than its own, the last ones to one that has no other.
    const seconds = new Set((await rowsOf(directory, "second")).map(({ atMs }) => atMs)).size;
    expect((await requestsOf(directory)).length).toBeLessThanOrEqual((seconds + 1) * PER_SECOND_KEPT);
  });
});
