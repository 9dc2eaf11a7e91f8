/** What history costs: in the worker for each request and for each detail, and in the recorder for each request. */
import { join } from "node:path";
import type { Case } from "./cases.ts";

/** From one request to the next, milliseconds: 10,000 a second. */
const BETWEEN_MS = 0.1;
const SERVERS = 5;
/** The recorder reads as often. */
const READ_EVERY = 1000;

/** @param memoryPath of shared memory that nobody else uses. */
export async function makeRecordingCases(root: string, memoryPath: string): Promise<Case[]> {
  const source = (path: string): string => join(root, "src", path);
  const { createSharedMemory } = (await import(
    source("shared/memory/file.ts")
  )) as typeof import("../../src/shared/memory/file.ts");
  const { Header } = (await import(
    source("shared/memory/layout/shared-memory.ts")
  )) as typeof import("../../src/shared/memory/layout/shared-memory.ts");
  const { HistoryWriter } = (await import(
    source("proxy/record/history-writer.ts")
  )) as typeof import("../../src/proxy/record/history-writer.ts");
  const { Recorder } = (await import(
    source("recorder/recorder.ts")
  )) as typeof import("../../src/recorder/recorder.ts");
  const { recordRequest } = (await import(
    source("proxy/record/record.ts")
  )) as typeof import("../../src/proxy/record/record.ts");
  const { OTHER_ROW } = (await import(
    source("shared/memory/duration-table.ts")
  )) as typeof import("../../src/shared/memory/duration-table.ts");
  const { UNTRACED } = (await import(
    source("proxy/record/traced-request.ts")
  )) as typeof import("../../src/proxy/record/traced-request.ts");
  const memory = createSharedMemory(memoryPath);
  memory.header[Header.WORKER_BLOCKS] = 1;
  const { wishes } = memory.recorder;
  const writer = new HistoryWriter(memory.history[0], wishes, 0, Math.random);
  const ids = Buffer.from("0123456789abcdef0123456789abcdef");
  const head = Buffer.from("GET /catalogue/items?page=2 HTTP/1.1\r\n");
  const request = {
    ...{ route: 0, poolRow: 0, method: 1, headBuffer: head, methodStart: 0, methodEnd: 3, targetStart: 4 },
    ...{ targetEnd: 27, requestIdBuffer: ids, requestIdStart: 0, requestIdEnd: 32, traceIdBuffer: ids },
    ...{ traced: true, sampled: false, sampledFlag: true, spanIdBuffer: ids, spanIdStart: -1 },
    ...{ traceIdStart: 0, clientAddress: Buffer.from("203.0.113.7"), limitedBy: null, labels: null },
    ...{ hostStart: 0, hostEnd: 0, userAgentStart: 0, userAgentEnd: 0, refererStart: 0, refererEnd: 0 },
    ...{ protocol: null, tlsVersion: null },
  };
  const outcome = {
    ...{
      status: 200,
      serverId: 1,
      responseBytes: 5120,
      attempts: 1,
      failure: null,
      waitMs: 0,
      headMs: 3,
      grpcStatus: -1,
    },
    ...{ inFlightAtDispatch: 2, wasHeld: false, connectMs: 0, upstream: null },
  };
  const finished = {
    ...UNTRACED,
    certificate: null,
    grpc: false,
    ...request,
    startedMs: 0,
    place: { row: OTHER_ROW, key: -1 },
  };
  const chosen = { ...outcome, slot: 0 };
  const ctx = {
    ...{
      settings: { accessLogSample: 1, accessLogProbes: false },
      block: memory.workers[0],
      accessLog: null,
      history: null,
      explain: null,
    },
    // None of these is a call of gRPC.
    ...{ exemplars: null, epochOffsetMs: 0, random: Math.random, grpcCounts: null as never },
  };
  let nowMs = 1_000;
  const write = (): void => {
    nowMs += BETWEEN_MS;
    outcome.serverId = 1 + (outcome.serverId % SERVERS);
    writer.record(request, outcome, 5, nowMs);
  };
  const written = (): number => memory.history[0].requests.head[0];
  const many = (times: number): void => {
    for (let i = 0; i < times; i++) write();
  };
  const address = "10.0.0.1";
  const server = { slot: 0, url: "", hostname: "s.test", address, port: 80, pool: "default", weight: 1, capacity: 10 };
  const log = { debug() {}, info() {}, warn() {}, error() {}, once() {}, child: () => log };
  const recorder = new Recorder({
    memory,
    names: {
      servers: Array.from({ length: SERVERS }, (_, i) => ({ ...server, id: 1 + i, port: 80 + i, present: true })),
      pools: [{ row: 0, name: "default" }],
      routes: [{ number: 0, name: "all" }],
    },
    instance: "bench",
    settings: { maxRequestRowsPerSecond: 100, slowRequestMs: 0 },
    log,
    bootMs: () => nowMs,
    wallOffsetMs: () => 1_790_000_000_000,
    random: Math.random,
    tell: () => {},
    kept: () => {},
  });
  let detailed = 0;
  return [
    {
      name: "record of a request: its series and durations",
      run: (times) => {
        for (let i = 0; i < times; i++) {
          finished.startedMs = nowMs - (i & 63);
          chosen.slot = i & 3;
          recordRequest(ctx, finished, chosen, nowMs);
        }
      },
      check: () => expectSome(memory.workers[0].durations.reduce((a, b) => a + b, 0)),
    },
    {
      name: "history record",
      run: (times) => {
        wishes.fill(0);
        many(times);
      },
      check: () => expectSome(written()),
    },
    {
      name: "history record, one in a hundred with details",
      run: (times) => {
        wishes.fill(0.01, 0, 3);
        many(times);
      },
      check: () => expectSome(written()),
    },
    {
      name: "history detail",
      run: (times) => {
        wishes.fill(1, 0, 3);
        wishes[4] = Number.MAX_SAFE_INTEGER; // no burst is thinned out
        many(times);
        detailed = memory.history[0].details.head[0];
      },
      check: () => expectSome(detailed),
    },
    {
      name: "history, written and read by the recorder",
      run: (times) => {
        for (let left = times; left > 0; left -= READ_EVERY) {
          many(Math.min(left, READ_EVERY));
          recorder.step();
        }
      },
      check: () => expectSome(memory.recorder.counters[4]),
    },
  ];
}

function expectSome(count: number): void {
  if (!(count > 0)) throw new Error("nothing was recorded");
}
