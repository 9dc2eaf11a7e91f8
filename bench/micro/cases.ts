/**
 * The pieces of the request path that run for every request, one case each. Modules are looked up below `root`, in all
 * checkouts alike: calls through a module cost something of their own, and figures are compared.
 */
import { openSync } from "node:fs";
import { join } from "node:path";
import type { LoggedOutcome, LoggedRequest } from "../../src/proxy/record/access-log/logged.ts";
import type { RequestRewrite } from "../../src/proxy/rewrite/request.ts";
import { WorkerCounter } from "../../src/shared/memory/layout/worker-counters.ts";
import { makeClassCases } from "./classes.ts";
import { makeExplainingCases } from "./explaining.ts";
import { makeHeaderBlockCases } from "./header-blocks.ts";
import { makeLimitCases } from "./limits.ts";
import { makeObservingCases } from "./observing.ts";
import { makeRecordingCases } from "./recording.ts";
import { makeRouteCases } from "./routes.ts";
import { makeTracingCases } from "./tracing.ts";

/** One thing that is timed. */
export interface Case {
  readonly name: string;
  /** Does it `times` times, without waiting for anything. */
  readonly run: (times: number) => void;
  /** Waits, outside of what is timed, until what it began is done. */
  readonly settle?: () => Promise<void>;
  /** Throws when the work was not done: a benchmark of refusals would flatter. */
  readonly check: () => void;
}

const LIMITS = { maxHeadBytes: 65_536, maxFields: 128 };
const text = (...lines: string[]): Buffer => Buffer.from(lines.join("\r\n"));

const CURL = text("GET / HTTP/1.1", "Host: 127.0.0.1:8080", "User-Agent: curl/8.5.0", "Accept: */*", "", "");
const BROWSER = text(
  "GET /catalogue/items?page=2&sort=price HTTP/1.1",
  "Host: shop.example.com",
  "Connection: keep-alive",
  'sec-ch-ua: "Chromium";v="130", "Not?A_Brand";v="99"',
  "sec-ch-ua-mobile: ?0",
  "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36",
  "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
  "Sec-Fetch-Site: same-origin",
  "Sec-Fetch-Mode: navigate",
  "Referer: https://shop.example.com/catalogue",
  "Accept-Encoding: gzip, deflate, br, zstd",
  "Accept-Language: en-GB,en;q=0.9,de;q=0.8",
  "Cookie: session=3f1c9a7e5d2b48f0a1c6; theme=dark; consent=yes",
  "",
  "",
);
const RESPONSE = text(
  "HTTP/1.1 200 OK",
  "Server: nginx/1.26.0",
  "Date: Mon, 02 Nov 2026 10:00:00 GMT",
  "Content-Type: text/html; charset=utf-8",
  "Content-Length: 5120",
  "Connection: keep-alive",
  "",
  "",
);
const IDS = Buffer.from("0123456789abcdef".repeat(3));

/**
 * All cases. @param memoryPath a file that does not exist, for the shared memory.
 */
export async function makeCases(root: string, memoryPath: string): Promise<Case[]> {
  const source = (path: string): string => join(root, "src", path);
  const head = (await import(source("proxy/http1/head.ts"))) as typeof import("../../src/proxy/http1/head.ts");
  const requestParser = (await import(
    source("proxy/http1/request-parser.ts")
  )) as typeof import("../../src/proxy/http1/request-parser.ts");
  const responseParser = (await import(
    source("proxy/http1/response-parser.ts")
  )) as typeof import("../../src/proxy/http1/response-parser.ts");
  const rewriteRequest = (await import(
    source("proxy/rewrite/request.ts")
  )) as typeof import("../../src/proxy/rewrite/request.ts");
  const rewriteResponse = (await import(
    source("proxy/rewrite/response.ts")
  )) as typeof import("../../src/proxy/rewrite/response.ts");
  const trusted = (await import(
    source("proxy/rewrite/trusted-proxies.ts")
  )) as typeof import("../../src/proxy/rewrite/trusted-proxies.ts");
  const accessLog = (await import(
    source("proxy/record/access-log/access-log.ts")
  )) as typeof import("../../src/proxy/record/access-log/access-log.ts");
  const fixedText = (await import(
    source("proxy/http1/fixed-text.ts")
  )) as typeof import("../../src/proxy/http1/fixed-text.ts");
  const requestIds = (await import(
    source("proxy/rewrite/request-ids.ts")
  )) as typeof import("../../src/proxy/rewrite/request-ids.ts");
  const outcomes = (await import(source("proxy/outcome.ts"))) as typeof import("../../src/proxy/outcome.ts");
  const outcomeRecord = (await import(
    source("proxy/exchange/attempts/outcome-record.ts")
  )) as typeof import("../../src/proxy/exchange/attempts/outcome-record.ts");
  const failing = (await import(
    source("balancing/failing-servers.ts")
  )) as typeof import("../../src/balancing/failing-servers.ts");
  const failureStreaks = (await import(
    source("proxy/pick/failure-streaks.ts")
  )) as typeof import("../../src/proxy/pick/failure-streaks.ts");
  const serverCounts = (await import(
    source("proxy/record/server-counts.ts")
  )) as typeof import("../../src/proxy/record/server-counts.ts");
  const series = (await import(
    source("shared/memory/series-table.ts")
  )) as typeof import("../../src/shared/memory/series-table.ts");
  const memoryFile = (await import(
    source("shared/memory/file.ts")
  )) as typeof import("../../src/shared/memory/file.ts");
  const layout = (await import(
    source("shared/memory/layout/shared-memory.ts")
  )) as typeof import("../../src/shared/memory/layout/shared-memory.ts");
  const layoutLearning = (await import(
    source("shared/memory/layout/learning.ts")
  )) as typeof import("../../src/shared/memory/layout/learning.ts");
  const decisionLog = (await import(
    source("proxy/pick/decision-log.ts")
  )) as typeof import("../../src/proxy/pick/decision-log.ts");
  const registry = (await import(source("balancing/registry.ts"))) as typeof import("../../src/balancing/registry.ts");

  const memory = memoryFile.createSharedMemory(memoryPath);
  const block = memory.workers[0];
  const out = Buffer.allocUnsafeSlow(128 * 1024);
  const request = new head.RequestHead();
  const response = new head.ResponseHead();
  const peer = new rewriteRequest.Peer("203.0.113.7", false, new trusted.TrustedProxies([]));
  const log = new accessLog.AccessLog(openSync("/dev/null", "w"), block, { format: "json" });
  const ids = new requestIds.IdSource(new Uint32Array([1, 2, 3, 4]));
  const date = Buffer.from("Date: Mon, 02 Nov 2026 10:00:00 GMT\r\n");
  let length = 0;

  const parsing = (name: string, bytes: Buffer): Case => ({
    name: `parse request, ${name}`,
    run: (times) => {
      for (let i = 0; i < times; i++) length = requestParser.parseRequestHead(bytes, 0, bytes.length, request, LIMITS);
    },
    check: () => expect(length, bytes.length),
  });
  const rewriting = (name: string, bytes: Buffer): Case => {
    const parsed = new head.RequestHead();
    requestParser.parseRequestHead(bytes, 0, bytes.length, parsed, LIMITS);
    const how: RequestRewrite = {
      peer,
      pathPrefix: Buffer.alloc(0),
      pathStart: parsed.pathStart,
      pathEnd: parsed.targetEnd,
      host: null,
      fallbackHost: Buffer.alloc(0),
      edits: null,
      ids: IDS,
      keepRequestId: false,
      traceparent: null,
      keepTraceState: false,
      upgrade: false,
    };
    return {
      name: `rewrite request, ${name}`,
      run: (times) => {
        for (let i = 0; i < times; i++) length = rewriteRequest.writeRequestHead(out, bytes, parsed, how, true);
      },
      check: () => expectMore(length, bytes.length),
    };
  };
  const entry: LoggedRequest = {
    headBuffer: BROWSER,
    methodStart: 0,
    methodEnd: 3,
    targetStart: 4,
    targetEnd: 38,
    method: series.Method.GET,
    requestIdBuffer: IDS,
    requestIdStart: 0,
    requestIdEnd: 32,
    ...{ traced: true, sampled: false, sampledFlag: true, traceIdBuffer: IDS, traceIdStart: 0 },
    ...{ spanIdBuffer: IDS, spanIdStart: -1 },
    clientAddress: peer.addressBytes,
    limitedBy: null,
    labels: null,
    hostStart: BROWSER.indexOf("Host: ") + 6,
    hostEnd: BROWSER.indexOf("\r\n", BROWSER.indexOf("Host: ")),
    userAgentStart: BROWSER.indexOf("User-Agent: ") + 12,
    userAgentEnd: BROWSER.indexOf("\r\n", BROWSER.indexOf("User-Agent: ")),
    refererStart: 0,
    refererEnd: 0,
    protocol: Buffer.from("HTTP/1.1"),
    tlsVersion: null,
    certificate: null,
  };
  const outcome: LoggedOutcome = {
    status: 200,
    serverId: 3,
    upstream: new fixedText.FixedText("10.0.0.12:8080"),
    responseBytes: 5120,
    attempts: 1,
    waitMs: 0,
    connectMs: 0,
    headMs: 1.05,
    grpcStatus: -1,
    failure: null,
  };
  const fleet = {
    inFlight: new Int32Array(512),
    effectiveWeight: new Float64Array(512).fill(1),
    weight: new Float64Array(512).fill(1),
    id: Int32Array.from({ length: 512 }, (_, slot) => slot + 1),
    identityHash: Uint32Array.from({ length: 512 }, (_, slot) => slot * 2_654_435_761),
  };
  const picking = (servers: number): Case => {
    const strategy = registry.createStrategy("least_connections", { fleet, random: Math.random });
    const candidates = Int32Array.from({ length: servers }, (_, slot) => slot);
    let picked = -1;
    return {
      name: `pick, least_connections, ${servers} servers`,
      run: (times) => {
        for (let i = 0; i < times; i++) {
          picked = strategy.pick(candidates, servers, i, i);
          fleet.inFlight[picked] = (fleet.inFlight[picked] + 1) & 7;
        }
      },
      check: () => expectMore(picked, -1),
    };
  };

  /** What a request costs by its strategy: pick, note of the decision, and its outcome a few requests later. */
  const placing = (name: string, servers: number, classes = false): Case => {
    const { costs } = memory.classes;
    const fleet = {
      ...memory.servers,
      work: classes ? { inFlight: memory.servers.workInFlight, ...costs } : undefined,
      identityHash: new Uint32Array(layout.MAX_SERVERS),
      together: {
        sinceMs: memory.servers.silentSinceMs,
        transferring: memory.servers.transferring,
        clockOffsetMs: 1000,
      },
    };
    const learned = memory.learned[0] ?? memory.learned;
    for (let slot = 0; slot < servers; slot++) {
      fleet.id[slot] = slot + 1;
      fleet.weight[slot] = 1;
      fleet.effectiveWeight[slot] = 1;
      costs.costId[slot] = slot + 1;
      costs.cost.fill(1 + (slot & 3), slot * 64, (slot + 1) * 64);
      learned.rowId[layout.MAX_SERVERS + slot] = slot + 1; // the copy of odd sequence numbers
      for (let column = 0; column < layoutLearning.SCORE_COLUMNS; column++) {
        learned.cost[(layout.MAX_SERVERS + slot) * layoutLearning.SCORE_COLUMNS + column] = 5 + slot + column;
      }
    }
    learned.words[layoutLearning.LearnerWord.CHAMPION_COSTS] = 1;
    learned.figures[layoutLearning.LearnerFigure.CONTROL_SHARE] = 0.02;
    learned.figures[layoutLearning.LearnerFigure.SECOND_SHARE] = 0.01;
    const writer = new decisionLog.DecisionWriter(memory.rings[0], memory.servers, block.counters, 0);
    const decisions = name === registry.LEARNED_STRATEGY ? writer : undefined;
    const strategy = registry.createStrategy(name, { fleet, random: Math.random, learned, decisions });
    const candidates = Int32Array.from({ length: servers }, (_, slot) => slot);
    const flying = Array.from({ length: 16 }, () => ({
      slot: -1,
      serverId: 0,
      dispatchedMs: 0,
      inFlightAtDispatch: 0,
      decision: 0,
      status: 200,
      template: 0,
      parentTemplate: 0,
      work: 0,
      othersWork: 1,
      transferringAtDispatch: 0,
    }));
    let nowMs = 0;
    return {
      name: `place a request, ${name}, ${servers} servers${classes ? ", by expected work" : ""}`,
      run: (times) => {
        learned.words[layoutLearning.LearnerWord.CHAMPION_TABLE] = 1 + ((nowMs >> 8) & 0x3fffff) * 2;
        for (let i = 0; i < times; i++) {
          nowMs += 0.1;
          const attempt = flying[i & 15];
          if (attempt.slot >= 0) {
            Atomics.sub(fleet.inFlight, attempt.slot, 1);
            strategy.onOutcome?.(attempt.slot, nowMs - attempt.dispatchedMs, false, nowMs, attempt.inFlightAtDispatch);
            decisions?.ended(attempt, false, nowMs);
          }
          decisions?.setRequest(IDS, 0, 32);
          const slot = strategy.pick(candidates, servers, i, nowMs, i & 7);
          attempt.slot = slot;
          attempt.serverId = fleet.id[slot];
          attempt.dispatchedMs = nowMs;
          attempt.inFlightAtDispatch = Atomics.add(fleet.inFlight, slot, 1);
          attempt.decision = decisions?.last ?? 0;
        }
      },
      check: () => expectMore(flying[0].slot, -1),
    };
  };

  const streaks = new failureStreaks.FailureStreaks(
    new failing.FailingServers(memory.servers, {
      consecutiveFailures: 5,
      maxEjectedPercent: 50,
      baseEjectionMs: 10_000,
    }),
  );
  const counts = new serverCounts.ServerCounts(block);
  const told = new outcomes.OutcomeConsumers([streaks, counts]);
  const attempt = new outcomeRecord.OutcomeRecord();

  return [
    placing("round_robin", 3),
    placing("round_robin", 10),
    placing("ml", 3),
    placing("ml", 10),
    placing("ml", 10, true),
    placing("adaptive", 10, true),
    parsing("curl, 3 fields", CURL),
    parsing("browser, 12 fields", BROWSER),
    {
      name: "parse response, 5 fields",
      run: (times) => {
        for (let i = 0; i < times; i++) {
          length = responseParser.parseResponseHead(RESPONSE, 0, RESPONSE.length, response, LIMITS, series.Method.GET);
        }
      },
      check: () => expect(length, RESPONSE.length),
    },
    picking(3),
    picking(100),
    {
      name: "request, trace and span id",
      run: (times) => {
        for (let i = 0; i < times; i++) ids.write(out, 0, 48);
      },
      check: () => expectMore(out[47], 47),
    },
    rewriting("curl, 3 fields", CURL),
    rewriting("browser, 12 fields", BROWSER),
    {
      name: "rewrite response, 5 fields",
      run: (times) => {
        for (let i = 0; i < times; i++) {
          length = rewriteResponse.writeResponseHead(
            out,
            0,
            RESPONSE,
            response,
            rewriteResponse.ClientConnectionHeader.NONE,
            false,
            date,
            null,
          );
        }
      },
      check: () => expectMore(length, 100),
    },
    {
      name: "count request and response",
      run: (times) => {
        for (let i = 0; i < times; i++) {
          series.countRequest(block, series.Route.PROXY, series.Method.GET, 200, 1 + (i & 3));
          attempt.slot = i & 3;
          attempt.latencyMs = 1 + (i & 63);
          counts.onHead(attempt);
        }
      },
      check: () => expectMore(block.responses[0], 0),
    },
    {
      name: "record of an attempt, told to its consumers",
      run: (times) => {
        for (let i = 0; i < times; i++) {
          const headMs = i + 1 + (i & 63);
          attempt.begin(i & 3, 1 + (i & 3), 1, 0, 0, i);
          attempt.head(200, headMs);
          told.onHead(attempt, headMs);
          attempt.end(null, 100);
          told.onEnd(attempt, headMs);
        }
      },
      check: () => expectMore(attempt.verdict, 0),
    },
    {
      name: "access log line",
      run: (times) => {
        for (let i = 0; i < times; i++) log.record(entry, outcome, 1.25, 1_790_000_000_000 + i);
      },
      settle: () => log.allOut(1000),
      check: () => {
        const dropped = block.counters[WorkerCounter.ACCESS_LOG_DROPPED];
        if (dropped > 0) throw new Error(`${dropped} lines were dropped`);
      },
    },
    // Last: functions that they share with the others would be compiled for more than a worker gives them.
    ...(await makeRouteCases(root)),
    ...(await makeLimitCases(root)),
    ...(await makeObservingCases(root, `${memoryPath}-observing`)),
    ...(await makeClassCases(root, `${memoryPath}-classes`)),
    ...(await makeRecordingCases(root, `${memoryPath}-history`)),
    ...(await makeTracingCases(root, `${memoryPath}-traces`)),
    ...(await makeExplainingCases(root)),
    ...(await makeHeaderBlockCases(root)),
  ];
}

function expect(got: number, wanted: number): void {
  if (got !== wanted) throw new Error(`${got} instead of ${wanted}`);
}

function expectMore(got: number, least: number): void {
  if (!(got > least)) throw new Error(`${got} is not more than ${least}`);
}
