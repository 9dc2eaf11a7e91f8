/**
 * What traces cost in a worker: to find out about the client's, for every request; while they are exported, a span for each
 * request and its attempt, and what their server is told; and for sampled ones the record.
 */
import { join } from "node:path";
import type { Case } from "./cases.ts";

/** @param memoryPath of shared memory that nobody else uses. */
export async function makeTracingCases(root: string, memoryPath: string): Promise<Case[]> {
  const source = (path: string): string => join(root, "src", path);
  // A base that knows nothing of it has nothing to compare.
  if (!(await Bun.file(source("proxy/record/trace/trace-writer.ts")).exists())) return [];
  const { createSharedMemory } = (await import(
    source("shared/memory/file.ts")
  )) as typeof import("../../src/shared/memory/file.ts");
  const { TraceWriter } = (await import(
    source("proxy/record/trace/trace-writer.ts")
  )) as typeof import("../../src/proxy/record/trace/trace-writer.ts");
  const { Sampler } = (await import(
    source("proxy/record/trace/sampler.ts")
  )) as typeof import("../../src/proxy/record/trace/sampler.ts");
  const context = (await import(
    source("proxy/rewrite/trace-context.ts")
  )) as typeof import("../../src/proxy/rewrite/trace-context.ts");
  const { IdSource } = (await import(
    source("proxy/rewrite/request-ids.ts")
  )) as typeof import("../../src/proxy/rewrite/request-ids.ts");
  const { OutcomeRecord } = (await import(
    source("proxy/exchange/attempts/outcome-record.ts")
  )) as typeof import("../../src/proxy/exchange/attempts/outcome-record.ts");
  const { RequestHead } = (await import(
    source("proxy/http1/head.ts")
  )) as typeof import("../../src/proxy/http1/head.ts");
  const { parseRequestHead } = (await import(
    source("proxy/http1/request-parser.ts")
  )) as typeof import("../../src/proxy/http1/request-parser.ts");

  const { requests } = createSharedMemory(memoryPath).traces[0];
  const writer = new TraceWriter({ requests }, 0);
  const source128 = new IdSource(new Uint32Array([1, 2, 3, 4]));
  const ids = Buffer.alloc(48);
  const span = Buffer.alloc(16);
  const ours = context.newTraceparent();
  const outcome = new OutcomeRecord();
  const choice = { choices: 5, score: Number.NaN, arm: -1, ejected: 0, record: null, stateOf: () => 1 };
  const LIMITS = { maxHeadBytes: 65_536, maxFields: 128 };
  const fields =
    "Host: shop.example.com\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) Firefox/130.0\r\nAccept: */*\r\n";
  const parsed = (more: string) => {
    const head = new RequestHead();
    const buf = Buffer.from(`GET /catalogue/items?page=2 HTTP/1.1\r\n${fields}${more}\r\n`);
    if (parseRequestHead(buf, 0, buf.length, head, LIMITS) !== buf.length) throw new Error("no head");
    return { buf, head };
  };
  const PARENT = "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00\r\n";
  const without = parsed("");
  const within = parsed(PARENT);
  const request = {
    ...{ traced: true, sampled: true, sampledFlag: true, traceIdBuffer: ids, traceIdStart: 0, spanIdBuffer: ids },
    ...{ spanIdStart: 32, client: { peer: { secure: false }, port: 80 }, headBuffer: without.buf, methodStart: 0 },
    ...{ methodEnd: 3, method: 1, requestIdBuffer: ids, requestIdStart: 0, requestIdEnd: 32, route: 0, poolRow: 0 },
    ...{ clientAddress: Buffer.from("203.0.113.7"), body: { bytes: 0 }, startedMs: 1, parentIdStart: -1 },
  };
  const ended = { status: 200, failure: null, responseBytes: 5120, waitMs: 0, isTunnel: false };

  let found = 0;
  let sampledCount = 0;
  /** As `ProxiedRequest` and `Attempt` do it for a request of one attempt. */
  const exported = (ratio: number, { buf, head }: ReturnType<typeof parsed>) => {
    const sampler = new Sampler({ ratio, parentBased: true });
    return (times: number): void => {
      for (let i = 0; i < times; i++) {
        const parent = context.findTraceparent(buf, head);
        const trace = parent < 0 ? ids : buf;
        const start = parent < 0 ? 0 : context.traceIdAt(parent);
        source128.write(ids, 32, 16);
        const sampled = sampler.samples(trace, start, parent < 0 ? -1 : context.traceFlags(buf, parent) & 1);
        context.setTrace(ours, trace, start, sampled ? 3 : 2);
        source128.write(span, 0, 16);
        const record = sampled ? writer.begin() : null;
        outcome.begin(0, 1, 1, 0, 2, i);
        const row = record === null ? -1 : record.attempt(0, span, outcome, choice);
        context.setSpan(ours, span);
        outcome.connected(true, Number.NaN, i);
        outcome.head(200, i);
        outcome.end(null, 5120);
        if (record === null) continue;
        sampledCount++;
        record.attemptEnded(row, outcome, i);
        record.responded(row);
        record.end(request, head, ended, i);
      }
    };
  };
  const check = (): void => {
    if (!ours.toString().startsWith("00-")) throw new Error("no traceparent");
  };
  source128.write(ids, 0, 32);
  return [
    {
      name: "trace context, nothing exported",
      run: (times) => {
        for (let i = 0; i < times; i++) found += context.findTraceparent(without.buf, without.head);
      },
      check: () => {
        if (found >= 0) throw new Error("found one");
      },
    },
    { name: "trace, exported, not sampled", run: exported(0, without), check },
    { name: "trace, exported, the client's, not sampled", run: exported(1, within), check },
    {
      name: "trace, exported, sampled",
      run: exported(1, without),
      check: () => {
        if (sampledCount === 0 || requests.head[0] === 0) throw new Error("nothing was taken down");
      },
    },
  ];
}
