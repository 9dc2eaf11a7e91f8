import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { version } from "../../../package.json";
import { CONTRACT_FEATURES } from "../../../src/learning/features/feature-names.ts";
import { writeModelFiles } from "../../../src/learning/models/files/model-files.ts";
import { OnnxModel } from "../../../src/learning/models/files/onnx/model.ts";
import { forward, type Network, scaleRow } from "../../../src/learning/models/network.ts";
import { changedOnnx, setWeight } from "../../support/model-graphs.ts";
import { type ModelServerProcess, runModelServer } from "../../support/model-server-process.ts";
import { randomNetwork, randomRows } from "../../support/networks.ts";
import { until } from "../../support/until.ts";

const FIXTURE = join(import.meta.dir, "../../fixtures/pytorch-model");
const FINE = { cpu_usage: 30, memory_usage: 50, active_conns: 4, error_rate: 0, response_p95: 60, capacity: 10 };

const post = (url: string, body: unknown) =>
  fetch(`${url}/predict`, { method: "POST", body: typeof body === "string" ? body : JSON.stringify(body) });
const get = async (url: string) => (await fetch(url)).json() as Promise<Record<string, unknown>>;

async function predictions(url: string, servers: readonly object[]): Promise<number[]> {
  const response = await post(url, { servers, ts: "2026-01-01T00:00:00Z" });
  const answer = (await response.json()) as { predictions: number[] };
  expect([response.status, answer]).toEqual([200, { predictions: expect.any(Array) }]);
  return answer.predictions;
}

async function metric(url: string, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const line = text.split("\n").find((each) => each.startsWith(`neurabalancer_model_server_${name} `));
  if (line === undefined) throw new Error(`no ${name} in:\n${text}`);
  return Number(line.split(" ")[1]);
}

describe("with a model made by PyTorch", () => {
  let server: ModelServerProcess;
  beforeAll(async () => {
    server = await runModelServer({ MODEL_PATH: FIXTURE, MODEL_VERSION: "torch-1" });
  });
  afterAll(() => server.stop());

  test("its metrics come in the format that is asked for", async () => {
    for (const [accept, type] of [
      ["*/*", "text/plain; version=0.0.4; charset=utf-8"],
      ["application/openmetrics-text;version=1.0.0", "application/openmetrics-text; version=1.0.0; charset=utf-8"],
      ["application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited", "application/vnd"],
    ]) {
      const response = await fetch(`${server.url}/metrics`, { headers: { accept } });
      expect(response.headers.get("content-type")).toStartWith(type);
      expect(await response.text()).toContain("neurabalancer_model_server_requests");
    }
  });

  test("health and version say which model is served", async () => {
    expect(await get(`${server.url}/health`)).toEqual({
      status: "ok",
      model_loaded: true,
      model_version: "torch-1",
    });
    expect(await get(`${server.url}/version`)).toEqual({
      version,
      model_version: "torch-1",
      model_fingerprint: "080e7576844e",
      features: [...CONTRACT_FEATURES],
      output: "score",
    });
  });

  test("predicts one score per server, in order, by the fields' names", async () => {
    const servers = [FINE, { ...FINE, active_conns: 20 }, { ...FINE, error_rate: 0.5 }, { ...FINE, response_p95: 300 }];
    const scores = await predictions(
      server.url,
      servers.map((each, i) => ({ server_id: `s${i}`, weight: 1, ...each })),
    );
    for (const worse of scores.slice(1)) expect(worse).toBeGreaterThan(scores[0] * 1.05);
    const reversed = servers.map((each) => Object.fromEntries(Object.entries(each).toReversed()));
    expect(await predictions(server.url, reversed)).toEqual(scores);
    // What is unknown counts as the mean of what the model was trained on.
    const [without] = await predictions(server.url, [{ active_conns: 4, response_p95: 60, capacity: 10 }]);
    expect(without).toBeGreaterThan(0);
  });

  test("many requests at once are each answered with their own", async () => {
    const model = await OnnxModel.load(FIXTURE);
    const servers = Array.from({ length: 200 }, (_, i) => ({ ...FINE, active_conns: i / 10 }));
    const rows = servers.flatMap((each) => CONTRACT_FEATURES.map((name) => each[name]));
    const expected = await model.predict(Float64Array.from(rows), 200);
    await model.release();
    const runsBefore = await metric(server.url, "inference_duration_seconds_count");
    const scoresBefore = await metric(server.url, "predictions_total");
    const answers = await Promise.all(servers.map((each) => predictions(server.url, [each])));
    for (const [i, [score]] of answers.entries()) expect(score / expected[i]).toBeCloseTo(1, 5);
    expect((await metric(server.url, "predictions_total")) - scoresBefore).toBe(200);
    const runs = (await metric(server.url, "inference_duration_seconds_count")) - runsBefore;
    expect(runs).toBeWithin(1, 201);
  });

  test.each([
    ["no JSON", "{", 400, "the body is no JSON"],
    ["an empty list", { servers: [] }, 400, "servers: is empty: name at least one server"],
    ["a text for a number", { servers: [{ cpu_usage: "12" }] }, 400, 'servers[0].cpu_usage: is the text "12"'],
    ["NaN", '{"servers": [{"cpu_usage": NaN}]}', 400, "the body is no JSON"],
    ["more than 1 MB", " ".repeat(1024 * 1024 + 1), 413, "the body has more than 1048576 bytes"],
  ])("%s is refused, with the reason", async (_, body, status, error) => {
    const response = await post(server.url, body);
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ error: expect.stringContaining(error) });
  });

  test("a body of unknown length is limited as well, however large", async () => {
    const endless = new ReadableStream({
      pull: (controller) => controller.enqueue(new Uint8Array(64 * 1024).fill(32)),
    });
    const outcome = await fetch(`${server.url}/predict`, { method: "POST", body: endless }).then(
      ({ status }) => status,
      () => "cut off",
    );
    expect([413, "cut off"]).toContain(outcome);
    expect(await metric(server.url, 'errors_total{reason="too_large"}')).toBeGreaterThan(0);
  });

  test("a body just within the limit is read", async () => {
    const body = JSON.stringify({ servers: [FINE] });
    expect((await post(server.url, body + " ".repeat(1024 * 1024 - body.length))).status).toBe(200);
  });

  test("other methods and paths are told what there is", async () => {
    const wrong = await fetch(`${server.url}/predict`);
    expect([wrong.status, wrong.headers.get("allow")]).toEqual([405, "POST"]);
    expect((await fetch(`${server.url}/constructor`)).status).toBe(404);
    expect((await fetch(`${server.url}/health`, { method: "HEAD" })).status).toBe(200);
  });
});

describe("models that come and change", () => {
  let directory: string;
  let server: ModelServerProcess | undefined;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "neurabalancer-served-"));
  });
  afterEach(async () => {
    await server?.stop();
    server = undefined;
    rmSync(directory, { recursive: true, force: true });
  });

  /** What our own network's scores look like from outside. */
  function costOf(network: Network, row: Float64Array): number {
    const scaled = row.slice();
    scaleRow(network, scaled);
    return Math.exp(forward(network, scaled));
  }
  const entryOf = (network: Network, row: Float64Array) =>
    Object.fromEntries(network.features.map((name, i) => [name, row[i]]).filter(([, value]) => !Number.isNaN(value)));

  test("without a model it says so and answers 503; it takes one when the files appear, wherever they are to be", async () => {
    const path = join(directory, "later");
    server = await runModelServer({ MODEL_PATH: path });
    const { url } = server;
    const reason = `${path}/load_balancer.onnx: there is no such file`;
    expect(await get(`${url}/health`)).toEqual({
      status: "degraded",
      model_loaded: false,
      model_version: null,
      problem: expect.stringContaining(reason),
    });
    const refused = await post(url, { servers: [FINE] });
    expect([refused.status, await refused.text()]).toEqual([
      503,
      expect.stringContaining(`there is no model: ${reason}`),
    ]);
    expect(server.log()).toContain("answers 503 until there is a model");
    // A wrong request is wrong with or without a model.
    expect((await post(url, "{")).status).toBe(400);

    const network = randomNetwork(1);
    mkdirSync(path);
    writeModelFiles(path, network);
    await until(async () => (await get(`${url}/health`)).status === "ok");
    const row = randomRows(network, 1, 1);
    const [score] = await predictions(url, [entryOf(network, row)]);
    expect(score / costOf(network, row)).toBeCloseTo(1, 4);
    expect(await get(`${url}/version`)).toMatchObject({ output: "log_relative_cost", features: network.features });
  });

  test("without MODEL_PATH it serves all but scores", async () => {
    server = await runModelServer();
    expect(await get(`${server.url}/health`)).toMatchObject({
      problem: expect.stringContaining("MODEL_PATH is not set"),
    });
    expect((await fetch(`${server.url}/reload`, { method: "POST" })).status).toBe(422);
    expect((await fetch(`${server.url}/metrics`)).status).toBe(200);
  });

  test("a changed model is taken by itself, a broken one is not, and says why", async () => {
    const [first, second] = [randomNetwork(1, 6), randomNetwork(2, 6)];
    writeModelFiles(directory, first);
    server = await runModelServer({ MODEL_PATH: directory });
    const { url } = server;
    const row = randomRows(first, 1, 1).map((value) => (Number.isNaN(value) ? 0 : value));
    const ask = async () => (await predictions(url, [entryOf(first, row)]))[0];
    const versionOf = async () => (await get(`${url}/health`)).model_version;
    expect((await ask()) / costOf(first, row)).toBeCloseTo(1, 4);
    const firstVersion = await versionOf();

    writeModelFiles(directory, second);
    await until(async () => (await versionOf()) !== firstVersion);
    expect((await ask()) / costOf(second, row)).toBeCloseTo(1, 4);
    const secondVersion = await versionOf();

    // Well-formed, and poison: only the trial batch finds it.
    const poison = changedOnnx(first, (model) => setWeight(model, "output.weight", Number.NaN));
    writeFileSync(join(directory, "load_balancer.onnx"), poison);
    await until(async () => (await get(`${url}/health`)).problem !== undefined);
    expect(await get(`${url}/health`)).toMatchObject({
      status: "ok",
      model_version: secondVersion,
      problem: expect.stringContaining("fails on a trial batch"),
    });
    expect((await ask()) / costOf(second, row)).toBeCloseTo(1, 4);
    expect(await metric(url, 'reloads_total{result="failure"}')).toBeGreaterThan(0);
    expect(server.log()).toContain("the model before it stays in service");

    rmSync(join(directory, "scaler.json"));
    const rejected = await fetch(`${url}/reload`, { method: "POST" });
    expect([rejected.status, await rejected.json()]).toEqual([
      422,
      {
        status: "rejected",
        error: expect.stringContaining("scaler.json: there is no such file"),
        model_loaded: true,
        model_version: secondVersion,
      },
    ]);

    writeModelFiles(directory, first);
    const reloaded = await fetch(`${url}/reload`, { method: "POST" });
    expect([reloaded.status, await reloaded.json()]).toEqual([
      200,
      { status: "reloaded", model_loaded: true, model_version: firstVersion },
    ]);
    expect(await get(`${url}/health`)).toEqual({ status: "ok", model_loaded: true, model_version: firstVersion });
  });

  test("no request is lost or mixed up while models are exchanged", async () => {
    const networks = [randomNetwork(1, 6), randomNetwork(2, 6)];
    writeModelFiles(directory, networks[0]);
    server = await runModelServer({ MODEL_PATH: directory });
    const { url } = server;
    const rows = Array.from({ length: 20 }, (_, i) => randomRows(networks[0], 1, i));
    const entries = rows.map((row) => entryOf(networks[0], row));
    const expected = networks.map((network) => rows.map((row) => costOf(network, row)));
    let exchanging = true;
    const served = new Set<number>();
    const clients = Array.from({ length: 8 }, async () => {
      while (exchanging) {
        const scores = await predictions(url, entries);
        // All scores of one response are of one model.
        const by = expected.findIndex((costs) => costs.every((cost, i) => Math.abs(scores[i] / cost - 1) < 1e-3));
        expect(by).toBeGreaterThanOrEqual(0);
        served.add(by);
      }
    });
    for (let i = 1; i <= 20; i++) {
      writeModelFiles(directory, networks[i % 2]);
      expect((await fetch(`${url}/reload`, { method: "POST" })).status).toBe(200);
      await until(() => served.has(i % 2));
    }
    exchanging = false;
    await Promise.all(clients);
    expect([...served].sort()).toEqual([0, 1]);
  });
});

describe("starting and stopping", () => {
  let server: ModelServerProcess;
  beforeEach(async () => {
    server = await runModelServer({ MODEL_PATH: FIXTURE });
  });
  afterEach(() => server.stop());

  test.each(["SIGTERM", "SIGINT"] as const)(
    "%s: what is in flight is finished, nothing new is taken, exit 0",
    async (signal) => {
      const body = JSON.stringify({ servers: [FINE] });
      const socket = connect(server.port, "127.0.0.1");
      let answer = "";
      socket.on("data", (chunk) => {
        answer += chunk;
      });
      const closed = new Promise((resolve) => socket.on("close", resolve));
      socket.write(`POST /predict HTTP/1.1\r\nHost: m\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, 10)}`);
      await until(async () => (await metric(server.url, "requests_total")) === 1);
      server.kill(signal);
      const refused = () =>
        new Promise<boolean>((resolve) => {
          const probe = connect(server.port, "127.0.0.1");
          probe.on("error", () => resolve(true));
          probe.on("connect", () => {
            probe.destroy();
            resolve(false);
          });
        });
      await until(refused);
      socket.write(body.slice(10));
      await closed;
      expect(answer).toStartWith("HTTP/1.1 200 OK\r\n");
      expect(answer).toContain('{"predictions":[');
      expect(await server.exited).toBe(0);
    },
  );

  test("a taken port and wrong settings stop the start", async () => {
    await expect(runModelServer({ ML_SERVICE_PORT: String(server.port) })).rejects.toThrow(
      `cannot listen on ML_SERVICE_HOST=127.0.0.1 ML_SERVICE_PORT=${server.port}: it is in use`,
    );
    await expect(runModelServer({ ML_SERVICE_PORT: "x", LOG_LEVEL: "loud" })).rejects.toThrow('"problems":2');
  });
});
