/** `LB_STRATEGY=ml` with real processes: what the learner is good for, and that nobody needs it. */
import { describe, expect, test } from "bun:test";
import { readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Explanation } from "../../src/shared/explanation/explanation.ts";
import { endedAfterAll } from "../support/ended-after-all.ts";
import { spawnSync } from "../support/processes.ts";
import {
  answer,
  type Behaviour,
  fail,
  figures,
  isAlive,
  isGood,
  Load,
  load,
  Product,
  request,
  type Scripted,
  serversOn,
  startScripted,
  taking,
  until,
} from "./fixture.ts";

const LAUNCHER = join(import.meta.dir, "../../bin/neurabalancer");

const open = endedAfterAll();

interface LearningStatus {
  readonly rung: string;
  readonly learner: { readonly pid: number; readonly state: string; readonly restarts: number };
  readonly table_age_ms: number | null;
  readonly decisions: Readonly<Record<string, number>>;
  readonly samples: number;
  readonly samples_lost: number;
}

async function start(
  behaviours: readonly Behaviour[],
  settings: Record<string, string> = {},
): Promise<{ product: Product; servers: Scripted[]; accessLog: () => { request_id: string; status: number }[] }> {
  const servers = await startScripted(...behaviours);
  const path = join(tmpdir(), `nb-drill-access-${process.pid}-${servers[0].port}`);
  const all = { SERVERS: serversOn(...servers), LB_STRATEGY: "ml", ...settings };
  const product = await new Product(all, { stdout: { path } }).ready();
  open.push(product, ...servers, { remove: () => rmSync(path, { force: true }) });
  const accessLog = () =>
    readFileSync(path, "utf8")
      .split("\n")
      .filter((line) => line.startsWith("{"))
      .map((line) => JSON.parse(line));
  return { product, servers, accessLog };
}

async function learning(product: Product): Promise<LearningStatus> {
  const { ml } = (await product.status()) as unknown as { ml: LearningStatus };
  return ml;
}

const onModel = (product: Product) => until(async () => (await learning(product))?.rung === "model");

async function explain(product: Product, id: string): Promise<{ status: number; body: Explanation }> {
  const response = await product.admin(`/api/v1/explain/${encodeURIComponent(id)}`);
  return { status: response.status, body: (await response.json()) as Explanation };
}

describe("ml", () => {
  test("routes away from a slow server; every attempt is counted once, as a decision and as a sample", async () => {
    const { product, servers } = await start([taking(10), taking(10), taking(500)]);
    await onModel(product);
    const seen = await load(100, 3000, () => request(product.port));
    const slow = (seen.shares[servers[2].port] ?? 0) / seen.sent;
    figures("ml, one of three slow", seen, { slow });
    expect(seen.why).toEqual({});
    expect(slow).toBeLessThan(0.15); // round robin: a third
    await until(async () => (await learning(product)).samples === seen.sent);
    const { decisions, samples_lost } = await learning(product);
    expect(Object.values(decisions).reduce((sum, count) => sum + count, 0)).toBe(seen.sent);
    expect(samples_lost).toBe(0);
    expect(await product.metric("ml_samples_total")).toBe(seen.sent);
    expect(await product.metric("ml_decisions_total")).toBe(seen.sent);
    expect(await product.metric("ml_rung")).toBe(0);
    expect(await product.metric('process_resident_memory_bytes{process="learner"}')).toBeGreaterThan(1e7);
  });

  test("the learner is killed under load: no request fails, the estimator takes over, it comes back by itself", async () => {
    const { product } = await start([taking(10), taking(10), taking(10)]);
    await onModel(product);
    const running = new Load(100, () => request(product.port));
    await Bun.sleep(300);
    const pids: number[] = [];
    // From the third death in a row on the restart waits.
    for (let kill = 0; kill < 4; kill++) {
      const { learner } = await learning(product);
      pids.push(learner.pid);
      process.kill(learner.pid, "SIGKILL");
      await until(async () => {
        const now = (await learning(product)).learner;
        return now.state === "ready" && now.pid !== learner.pid;
      });
      await onModel(product);
    }
    const seen = await running.stop();
    figures("learner killed", seen);
    expect(seen.why).toEqual({});
    expect(pids.some(isAlive)).toBe(false);
    expect(new Set(pids).size).toBe(4);
    expect(await product.metric('ml_learner_restarts_total{reason="exit"}')).toBe(4);
    expect(await product.degraded("learner")).toBe(0);
    // Each learner goes on where the last one was: nothing is missing and nothing is counted twice.
    await until(async () => (await learning(product)).samples >= seen.sent);
    expect((await learning(product)).samples).toBe(seen.sent);
  });

  test("the learner stands still under load: seen, said once, replaced, and no request fails", async () => {
    const { product, servers } = await start([taking(10), taking(10), taking(10)]);
    await onModel(product);
    const { learner } = await learning(product);
    const running = new Load(100, () => request(product.port));
    await Bun.sleep(300);
    process.kill(learner.pid, "SIGSTOP");
    await until(async () => (await learning(product)).rung === "estimator");
    expect(await product.degraded("learner")).toBe(1);
    expect((await product.status()).degraded).toContain("learner");
    // The estimator is in charge, and works: a server that is slow from now on is left alone.
    servers[2].behaviour = taking(300);
    const ml = (await (await product.admin("/api/v1/ml")).json()) as {
      rung: string;
      servers: null;
      rung_reason: string;
    };
    expect(ml).toMatchObject({ rung: "estimator", servers: null, rung_reason: "the learner does not answer" });
    await until(async () => (await learning(product)).learner.pid !== learner.pid);
    await onModel(product);
    expect(await product.degraded("learner")).toBe(0);
    const seen = await running.stop();
    figures("learner stopped", seen);
    expect(seen.why).toEqual({});
    const late = seen.outcomes.slice(-200).filter(({ instance }) => instance === String(servers[2].port)).length;
    expect(late).toBeLessThan(40);
    expect(isAlive(learner.pid)).toBe(false);
    expect(product.count("the learner is silent")).toBe(1);
    expect(product.count("learner hangs")).toBe(1);
    expect(await product.metric('ml_learner_restarts_total{reason="hung"}')).toBe(1);
  });

  test("a reload to another strategy ends the learner, and one back starts it, without a failed request", async () => {
    const { product } = await start([taking(5), taking(5)]);
    await onModel(product);
    const { pid } = (await learning(product)).learner;
    const running = new Load(100, () => request(product.port));
    await product.reload({ LB_STRATEGY: "p2c" });
    expect(await learning(product)).toBeNull();
    expect(isAlive(pid)).toBe(false);
    expect(await product.degraded("learner")).toBe(0);
    await until(async () => (await product.metric("http_requests_total")) > 100);
    const before = await product.metric("ml_decisions_total");
    await Bun.sleep(300);
    expect(await product.metric("ml_decisions_total")).toBe(before);
    expect((await product.admin("/api/v1/ml")).status).toBe(404);
    expect((await product.admin("/api/v1/explain/abc")).status).toBe(404);
    await product.reload({ LB_STRATEGY: "ml" });
    await onModel(product);
    await until(async () => (await product.metric("ml_decisions_total")) > before + 20);
    await until(async () => (await learning(product)).samples > before + 20);
    const seen = await running.stop();
    expect(seen.why).toEqual({});
    expect(product.count("learner died")).toBe(0);
  });

  test("starts with another strategy and takes ml at a reload, with the pages that it needs", async () => {
    const { product } = await start([answer, answer], { LB_STRATEGY: "round_robin" });
    expect(await learning(product)).toBeNull();
    await product.reload({ LB_STRATEGY: "ml", WORKERS: "3" });
    await onModel(product);
    await until(async () => (await product.status()).workers.filter(({ state }) => state === "ready").length === 3);
    const seen = await load(100, 500, () => request(product.port));
    expect(seen.why).toEqual({});
    await until(async () => (await learning(product)).samples >= seen.sent);
  });

  test("SIGTERM ends the learner after the workers", async () => {
    const asked = Promise.withResolvers<() => void>();
    const server: Behaviour = (...request) => asked.resolve(() => answer(...request));
    const { product } = await start([server], { SHUTDOWN_TIMEOUT_SECONDS: "60" });
    await onModel(product);
    const { pid } = (await learning(product)).learner;
    const pending = request(product.port);
    const respond = await asked.promise;
    product.process.kill("SIGTERM");
    await until(() => product.said("stopping"));
    respond();
    expect(isGood(await pending)).toBe(true);
    expect(await product.process.exited).toBe(0);
    expect(isAlive(pid)).toBe(false);
    expect(product.count("learner died")).toBe(0);
  });
});

describe("explain", () => {
  test("says of a real request who was there, what they scored and why, what was not eligible, and how it ended", async () => {
    const { product, servers, accessLog } = await start([taking(5), taking(60), taking(5)]);
    await onModel(product);
    const byPort = async (port: number) => (await product.server(port)).id;
    const ids = await Promise.all(servers.map(({ port }) => byPort(port)));
    await load(60, 1500, () => request(product.port));
    await product.change(ids[2], { state: "drain" });
    await until(async () => (await product.server(servers[2].port)).state === "draining");
    await Bun.sleep(200);
    const one = async () => {
      const before = accessLog().length;
      expect(isGood(await request(product.port))).toBe(true);
      await until(() => accessLog().length > before);
      const { request_id } = accessLog().at(-1)!;
      const { status, body } = await explain(product, request_id);
      expect(status).toBe(200);
      expect(body.request_id).toBe(request_id);
      expect(body.attempts).toHaveLength(1);
      return body.attempts[0];
    };
    let attempt = await one();
    // One in twenty is placed without the model, one in a hundred at the second best server.
    for (let i = 0; i < 50 && (attempt.arm !== "champion" || attempt.propensity! < 0.5); i++) attempt = await one();
    expect(attempt).toMatchObject({ arm: "champion", policy: "model", candidate_count: 2, propensity: 0.99 });
    expect(attempt.outcome?.failed).toBe(false);
    expect(attempt.outcome?.latency_ms).toBeGreaterThan(3);
    expect(attempt.table?.age_ms).toBeLessThan(1000);
    const scores = attempt.candidates.map(({ score }) => score!);
    expect(attempt.candidates.find(({ chosen }) => chosen)?.score).toBe(Math.min(...scores));
    for (const { server_id, url, parts, score, features } of attempt.candidates) {
      expect(ids).toContain(server_id);
      expect(url).toBe(serversOn(servers[ids.indexOf(server_id)]));
      const { cost, crowd, stall_and_failures, weight, expected_ms, network } = parts!;
      expect((cost * crowd * stall_and_failures) / weight / score!).toBeCloseTo(1, 3);
      expect((expected_ms * network!) / cost).toBeCloseTo(1, 3);
      expect(features?.log_expected).toBeNumber();
      expect(features?.cpu_usage).toBeNull();
    }
    expect(attempt.ineligible).toEqual([
      expect.objectContaining({ server_id: ids[2], state: "draining", url: serversOn(servers[2]) }),
    ]);
  });

  test("has each attempt of a request that was tried again", async () => {
    const closing: Behaviour = (socket) => socket.destroy();
    const { product, accessLog } = await start([closing, answer], {
      OUTLIER_EJECTION: "off",
      RETRY_BUDGET_PERCENT: "100",
    });
    await onModel(product);
    // Nobody is known at first, so each worker asks each server.
    const seen = await load(50, 1000, () => request(product.port));
    await until(() => accessLog().length >= seen.sent);
    const all = await Promise.all(accessLog().map(({ request_id }) => explain(product, request_id)));
    const found = all.find(({ body }) => body.attempts.length === 2)?.body;
    const [first, second] = found!.attempts;
    expect([first.outcome?.failed, second.outcome?.failed]).toEqual([true, false]);
    expect(first.server_id).not.toBe(second.server_id);
    expect(second.ineligible).toEqual([
      expect.objectContaining({ server_id: first.server_id, why: "an earlier attempt of this request was there" }),
    ]);
  });

  test("by the command line, as a table and as JSON, and with clear words when it is not known", async () => {
    const { product, accessLog } = await start([answer, fail]);
    const port = product.said("admin API listens")?.port as number;
    // Both workers route by a table, not only the learner says that it has made one.
    await until(async () => {
      await request(product.port);
      if (accessLog().length <= 5) return false;
      const { status, body } = await explain(product, accessLog().at(-1)!.request_id);
      return status === 200 && body.attempts[0].table !== null;
    });
    const run = (...args: string[]) => {
      const { exitCode, stdout, stderr } = spawnSync([LAUNCHER, "explain", ...args]);
      return { exitCode, stdout: stdout.toString(), stderr: stderr.toString() };
    };
    const where = ["--admin", `http://127.0.0.1:${port}`];
    const { request_id } = accessLog().at(-1)!;
    const table = run(request_id, ...where);
    expect(table.stderr).toBe("");
    for (const part of [request_id, "CANDIDATE", "Outcome", "log_expected"]) expect(table.stdout).toContain(part);
    expect(JSON.parse(run(request_id, ...where, "--json").stdout)).toMatchObject({ request_id });
    expect(run("never-seen", ...where)).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining("no worker remembers the request never-seen"),
    });
    expect(run("x", "--admin", "http://127.0.0.1:1")).toMatchObject({ exitCode: 1 });
    expect(run("x", "--admin", "nonsense")).toMatchObject({ exitCode: 1 });
  });
});
