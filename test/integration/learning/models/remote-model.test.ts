import { afterEach, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { CONTRACT_FEATURES } from "../../../../src/learning/features/feature-names.ts";
import { OnnxModel } from "../../../../src/learning/models/files/onnx/model.ts";
import type { PredictRequest } from "../../../../src/learning/models/remote/predict-request.ts";
import {
  CACHE_TTL_MS,
  FAILURES_TO_OPEN,
  MAX_ROWS_PER_REQUEST,
  RemoteModel,
  type RemoteModelOptions,
} from "../../../../src/learning/models/remote/remote-model.ts";
import type { ScoreModel } from "../../../../src/learning/models/score-model.ts";
import { runModelServer } from "../../../support/model-server-process.ts";
import { seeded } from "../../../support/networks.ts";
import { freePort } from "../../../support/ports/free-port.ts";

const FIXTURE = join(import.meta.dir, "../../../fixtures/pytorch-model");
const RESET_MS = 30_000;
const opened: { stop(force?: boolean): unknown }[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((each) => each.stop(true)));
});

/** A clock that tests move, so that caches and breakers do not make them wait. */
const clock = { ms: 1000 };

function remote(endpoint: string, options: Partial<RemoteModelOptions> = {}): RemoteModel {
  const model = new RemoteModel({
    endpoint,
    timeoutMs: 10_000,
    circuitBreakerResetMs: RESET_MS,
    cacheSize: 0,
    nowMs: () => clock.ms,
    wallMs: () => Date.UTC(2026, 0, 2),
    ...options,
  });
  opened.push({ stop: () => model.release() });
  return model;
}

/** A model server that keeps what it was asked; its scores are the requests in flight, unless `answer` says otherwise. */
function fakeServer(answer?: (request: PredictRequest) => Response | Promise<Response>) {
  const requests: PredictRequest[] = [];
  const paths: string[] = [];
  const state = { answer, abandoned: 0 };
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: async (request) => {
      request.signal.addEventListener("abort", () => state.abandoned++);
      paths.push(`${request.method} ${new URL(request.url).pathname}`);
      const body = (await request.json()) as PredictRequest;
      requests.push(body);
      return (
        state.answer?.(body) ?? Response.json({ predictions: body.servers.map((each) => each.active_conns ?? -1) })
      );
    },
  });
  opened.push(server);
  return { url: `http://127.0.0.1:${server.port}`, requests, paths, state };
}

const rowOf = (connections: number) => [30, 50, connections, 0, 60, 10];
const rowsOf = (...connections: number[]) => Float64Array.from(connections.flatMap(rowOf));

async function failure(prediction: Promise<unknown>): Promise<{ kind: string; message: string }> {
  return prediction.then(
    () => ({ kind: "none", message: "it answered" }),
    (error) => ({ kind: error.kind, message: error.message }),
  );
}

describe("asking", () => {
  test("the real model server gives what the model gives in this process", async () => {
    const server = await runModelServer({ MODEL_PATH: FIXTURE });
    opened.push(server);
    const here: ScoreModel = await OnnxModel.load(FIXTURE);
    const there: ScoreModel = remote(server.url);
    const random = seeded(1);
    const rows = Float64Array.from({ length: 1000 * 6 }, () => (random() < 0.1 ? Number.NaN : random() * 60));
    const [expected, scores] = await Promise.all([here.predict(rows, 1000), there.predict(rows, 1000)]);
    expect(there.featureNames).toEqual(here.featureNames);
    expect(there.outputKind).toBe(here.outputKind);
    for (let i = 0; i < 1000; i++) expect(scores[i] / expected[i]).toBeCloseTo(1, 5);
    expect((there as RemoteModel).figures()).toMatchObject({ predictions: 1000, errors: 0, circuit: "closed" });
    expect((there as RemoteModel).figures().inference.count).toBe(4);
    await here.release();
  });

  test("the request is the contract's; what is unknown is left out", async () => {
    const { url, requests, paths } = fakeServer();
    const row = [12.5, Number.NaN, 3, 0.25, 80, 10];
    expect([...(await remote(url).predict(Float64Array.from(row), 1))]).toEqual([3]);
    expect(paths).toEqual(["POST /predict"]);
    expect(requests).toEqual([
      {
        servers: [
          {
            server_id: 0,
            weight: 1,
            cpu_usage: 12.5,
            active_conns: 3,
            error_rate: 0.25,
            response_p95: 80,
            capacity: 10,
          },
        ],
        ts: "2026-01-02T00:00:00.000Z",
      },
    ]);
  });

  test("many rows go in requests of bounded size, and come back in their order", async () => {
    const { url, requests } = fakeServer();
    const rows = rowsOf(...Array.from({ length: 2000 }, (_, i) => i));
    const prediction = remote(url).predict(rows, 2000);
    rows.fill(-7); // read before the call returned
    expect([...(await prediction)]).toEqual(Array.from({ length: 2000 }, (_, i) => i));
    const sizes = requests.map(({ servers }) => servers.length);
    expect(Math.max(...sizes)).toBe(MAX_ROWS_PER_REQUEST);
    expect(sizes.length).toBe(8);
  });

  test("wrong rows are the caller's mistake and cost nothing", async () => {
    const { url, requests } = fakeServer();
    const model = remote(url);
    await expect(model.predict(new Float64Array(7), 1)).rejects.toThrow(RangeError);
    expect([requests.length, model.figures().errors]).toEqual([0, 0]);
  });
});

describe("the cache", () => {
  test("asks once for rows in the same state, for as long as a score lives", async () => {
    const { url, requests } = fakeServer();
    const model = remote(url, { cacheSize: 100 });
    const ask = async (...connections: number[]) => [
      ...(await model.predict(rowsOf(...connections), connections.length)),
    ];
    expect(await ask(1, 2, 1)).toEqual([1, 2, 1]);
    expect(await ask(2, 1)).toEqual([2, 1]);
    expect(await ask(1, 3)).toEqual([1, 3]);
    expect(requests.map(({ servers }) => servers.map((each) => each.active_conns))).toEqual([[1, 2], [3]]);
    expect(model.figures()).toMatchObject({ predictions: 3, cacheHits: 3 });
    clock.ms += CACHE_TTL_MS + 1;
    await ask(1);
    expect(requests.length).toBe(3);
  });

  test("of size 0 asks for every row every time", async () => {
    const { url, requests } = fakeServer();
    const model = remote(url, { cacheSize: 0 });
    for (let i = 0; i < 2; i++) expect([...(await model.predict(rowsOf(1, 1), 2))]).toEqual([1, 1]);
    expect(requests.map(({ servers }) => servers.length)).toEqual([2, 2]);
    expect(model.figures().cacheHits).toBe(0);
  });

  test("gives what it knows while the circuit is open", async () => {
    const { url, state } = fakeServer();
    const model = remote(url, { cacheSize: 100 });
    await model.predict(rowsOf(1), 1);
    state.answer = () => new Response("broken", { status: 500 });
    for (let i = 0; i < FAILURES_TO_OPEN; i++) await failure(model.predict(rowsOf(2), 1));
    expect((await failure(model.predict(rowsOf(2), 1))).kind).toBe("circuit_open");
    expect([...(await model.predict(rowsOf(1), 1))]).toEqual([1]);
  });

  test("has no hits of predictions that failed: nothing that it had was used", async () => {
    const { url, state } = fakeServer();
    const model = remote(url, { cacheSize: 100 });
    await model.predict(rowsOf(1), 1);
    state.answer = () => new Response("broken", { status: 500 });
    for (let i = 0; i < FAILURES_TO_OPEN + 3; i++) await failure(model.predict(rowsOf(1, 1, 2), 3));
    expect(model.figures().cacheHits).toBe(0);
    await model.predict(rowsOf(1, 1), 2); // all of it is known
    expect(model.figures().cacheHits).toBe(2);
  });
});

describe("a server that fails", () => {
  test.each([
    ["an error", () => new Response("out of order", { status: 503 }), "status", "answered 503: out of order"],
    ["a redirect", () => Response.redirect("http://127.0.0.1:1/", 302), "status", "answered 302"],
    ["garbage", () => new Response("\u0000<html>"), "answer", "answered no JSON"],
    ["too few scores", () => Response.json({ predictions: [] }), "answer", "answered 0 predictions for 1 servers"],
    ["no numbers", () => Response.json({ predictions: [null] }), "answer", "no finite number at predictions[0]"],
    ["a flood", () => new Response(new Uint8Array(2_000_000)), "answer", "answered more than 1048576 bytes"],
  ])("%s: the prediction is rejected with the reason", async (_, answer, kind, message) => {
    const { url } = fakeServer(answer);
    const model = remote(url);
    expect(await failure(model.predict(rowsOf(1), 1))).toEqual({ kind, message: expect.stringContaining(message) });
    expect(model.figures()).toMatchObject({ errors: 1, predictions: 0 });
  });

  test("one that is too slow is given up, also when its answer has begun", async () => {
    const hanging = fakeServer(() => new Promise(() => {}));
    const trickling = fakeServer(
      () =>
        new Response(new ReadableStream({ start: (controller) => controller.enqueue(new TextEncoder().encode("{")) })),
    );
    for (const { url } of [hanging, trickling]) {
      expect(await failure(remote(url, { timeoutMs: 100 }).predict(rowsOf(1), 1))).toEqual({
        kind: "timeout",
        message: `${url}/predict gave no answer within 100 ms (ML_MODEL_TIMEOUT_MS)`,
      });
    }
  });

  test("one failed request ends the prediction's others", async () => {
    const { url, requests, state } = fakeServer(async ({ servers }) => {
      if (servers[0].active_conns !== 0) return new Promise(() => {});
      while (requests.length < 4) await Bun.sleep(1);
      return new Response("no", { status: 500 });
    });
    const rows = rowsOf(...Array.from({ length: 5000 }, (_, i) => i));
    expect((await failure(remote(url).predict(rows, 5000))).kind).toBe("status");
    while (state.abandoned < requests.length - 1) await Bun.sleep(5);
    expect(requests.length).toBe(4);
  });

  test("is left alone after failures in a row, tried once when the time is over, and used again", async () => {
    const { url, requests, state } = fakeServer(() => new Response("broken", { status: 500 }));
    const model = remote(url);
    const ask = () => failure(model.predict(rowsOf(1), 1));
    for (let i = 0; i < FAILURES_TO_OPEN; i++) expect((await ask()).kind).toBe("status");
    expect(model.figures()).toMatchObject({ circuit: "open", timesOpened: 1, errors: FAILURES_TO_OPEN });
    for (let i = 0; i < 10; i++) expect((await ask()).kind).toBe("circuit_open");
    expect(requests.length).toBe(FAILURES_TO_OPEN);
    expect(model.figures().errors).toBe(FAILURES_TO_OPEN);

    clock.ms += RESET_MS;
    // Two at once: only one is the try.
    expect((await Promise.all([ask(), ask()])).map(({ kind }) => kind)).toEqual(["status", "circuit_open"]);
    expect([requests.length, model.figures().timesOpened]).toEqual([FAILURES_TO_OPEN + 1, 2]);

    state.answer = undefined;
    expect((await ask()).kind).toBe("circuit_open");
    clock.ms += RESET_MS;
    expect((await ask()).kind).toBe("none");
    expect(model.figures().circuit).toBe("closed");
    expect((await ask()).kind).toBe("none");
  });

  test("is used again after it was killed and came back", async () => {
    const port = String(freePort());
    const first = await runModelServer({ MODEL_PATH: FIXTURE, ML_SERVICE_PORT: port });
    opened.push(first);
    const model = remote(first.url);
    expect((await model.predict(rowsOf(1), 1)).length).toBe(1);
    first.kill("SIGKILL");
    await first.exited;
    const kinds = new Set<string>();
    for (let i = 0; i < FAILURES_TO_OPEN; i++) kinds.add((await failure(model.predict(rowsOf(1), 1))).kind);
    expect([...kinds]).toEqual(["unreachable"]);
    expect(model.figures().circuit).toBe("open");

    opened.push(await runModelServer({ MODEL_PATH: FIXTURE, ML_SERVICE_PORT: port }));
    expect((await failure(model.predict(rowsOf(1), 1))).kind).toBe("circuit_open");
    clock.ms += RESET_MS;
    expect((await model.predict(rowsOf(1), 1)).length).toBe(1);
    expect(model.figures().circuit).toBe("closed");
  });

  test("a model server without a model is a failure with its reason", async () => {
    const server = await runModelServer();
    opened.push(server);
    expect(await failure(remote(server.url).predict(rowsOf(1), 1))).toEqual({
      kind: "status",
      message: expect.stringContaining('answered 503: {"error":"there is no model: MODEL_PATH is not set'),
    });
  });
});

describe("release", () => {
  test("ends what is being asked and refuses what comes", async () => {
    const { url, requests } = fakeServer(() => new Promise(() => {}));
    const model = remote(url);
    const pending = failure(model.predict(rowsOf(1), 1));
    while (requests.length === 0) await Bun.sleep(1);
    await model.release();
    expect(await pending).toEqual({ kind: "released", message: "the model was released" });
    expect((await failure(model.predict(rowsOf(1), 1))).kind).toBe("released");
  });
});

test("the six features of the contract are what it takes", () => {
  expect(remote("http://m").featureNames).toEqual([...CONTRACT_FEATURES]);
});
