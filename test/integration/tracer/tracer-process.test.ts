/** The tracer as a process: rings of a real file in, OTLP out, through all that may go wrong on either side. */
import { afterEach, describe, expect, test } from "bun:test";
import type { TracerSettings } from "../../../src/protocol/tracer.ts";
import { TracerCounter as C, TRACE_ROWS } from "../../../src/shared/memory/layout/tracing.ts";
import { createAuthority } from "../../support/certificates.ts";
import { freePort } from "../../support/ports/free-port.ts";
import { type Collector, startGrpcCollector, startHttpCollector } from "../../support/tracing/collectors.ts";
import { encodeResponse } from "../../support/tracing/decode.ts";
import { TracerRun } from "../../support/tracing/tracer-run.ts";
import { until } from "../../support/until.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

function opened(collector: Collector): Collector {
  cleanups.push(() => collector.stop());
  return collector;
}

async function started(
  settings: Partial<TracerSettings>,
  ...more: readonly [environment?: readonly string[], hungAfterMs?: number]
): Promise<TracerRun> {
  const run = new TracerRun(settings, ...more);
  cleanups.push(() => run.close());
  await run.ready();
  return run;
}

const place = ({ port }: { readonly port: number }) => `http://127.0.0.1:${port}/v1/traces`;
const ATTEMPTS = { attempts: [{}, {}] };

describe("the tracer", () => {
  test.each(["http/protobuf", "grpc"] as const)(
    "exports over %s what workers write, at the time of day that it was",
    async (protocol) => {
      const collector = opened(protocol === "grpc" ? await startGrpcCollector() : startHttpCollector());
      // A proxy of the environment would have the spans, and the fields beside them.
      const proxies = ["http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY", "grpc_proxy"].map(
        (name) => `${name}=http://127.0.0.1:9`,
      );
      const run = await started({ protocol, endpoint: place(collector), compression: "gzip" }, proxies);
      const before = Date.now();
      const startMs = run.bootMs();
      run.write({ startMs, endMs: startMs + 5, ...ATTEMPTS });
      await until(() => run.count(C.SPANS_EXPORTED) === 3); // rings are read in turn, from wherever it is
      run.write({}, 1);
      await until(() => run.count(C.SPANS_EXPORTED) === 4);
      const [request] = collector.spans();
      expect(Math.abs(Number(request.startNs / 1_000_000n) - before)).toBeLessThan(1_000);
      expect(request.endNs - request.startNs).toBe(5_000_000n);
      expect(collector.spans().map(({ name }) => name)).toEqual(["GET shop-pages", "GET", "GET", "GET shop-pages"]);
      await until(() => run.tracer.up); // on a busy machine some of its signs of life are late
      expect(run.count(C.RSS_BYTES)).toBeGreaterThan(0);
      await run.tracer.stop(60_000);
      expect(run.count(C.SPANS_WAITING)).toBe(0);
    },
  );

  test.each(["http/protobuf", "grpc"] as const)(
    "over %s checks certificates and shows nobody its fields, whatever the environment says",
    async (protocol) => {
      const own = createAuthority().issue("IP:127.0.0.1");
      const stranger = opened(
        protocol === "grpc" ? await startGrpcCollector(() => null, own) : startHttpCollector(() => null, own),
      );
      const run = await started(
        {
          protocol,
          endpoint: place(stranger).replace("http:", "https:"),
          headers: { authorization: "Bearer SECRET-of-ours" },
          exportTimeoutMs: 1_000,
        },
        ["NODE_TLS_REJECT_UNAUTHORIZED=0", "BUN_CONFIG_VERBOSE_FETCH=curl"],
      );
      run.write();
      await until(() => run.count(C.SPANS_LOST_EXPORT) === 1);
      expect(stranger.received).toEqual([]);
      expect(JSON.stringify(run.lines)).not.toContain("SECRET");
    },
  );

  test("sends what is left when it is stopped", async () => {
    const collector = opened(startHttpCollector());
    const run = await started({ endpoint: place(collector), scheduleDelayMs: 600_000 });
    run.write(ATTEMPTS);
    await until(() => run.count(C.SPANS_WAITING) === 3);
    run.write();
    await run.tracer.stop(60_000);
    expect(collector.spans()).toHaveLength(4);
    expect(run.accounted()).toBe(run.sampled);
  });

  test("loses nothing while the collector is not there yet, and says when it does not take spans", async () => {
    const later = { port: freePort() };
    const run = await started({ endpoint: place(later) });
    run.write(ATTEMPTS);
    await until(() => run.count(C.EXPORT_FAILING) === 1);
    expect([run.tracer.up, run.tracer.degraded]).toEqual([false, true]);
    expect(run.count(C.SPANS_WAITING)).toBe(3);
    opened(startHttpCollector(undefined, undefined, later.port));
    await until(() => run.count(C.SPANS_EXPORTED) === 3);
    await until(() => run.tracer.up && !run.tracer.degraded);
  });

  test("counts what a collector rejects, refuses and takes, and all of it adds up", async () => {
    const answers = [
      () => new Response("", { status: 400 }),
      () => new Response("<html>", { status: 200 }),
      () => new Response("", { status: 503, headers: { "retry-after": "0" } }),
      () => new Response(new Uint8Array(encodeResponse(2, "too old"))),
      () => new Response("", { status: 429, headers: { "retry-after": "0" } }),
      () => new Response(new Uint8Array(1_000_000)),
    ];
    const collector = opened(startHttpCollector((number) => answers[number]?.() ?? null));
    const run = await started({ endpoint: place(collector), maxBatchSpans: 3 });
    for (let i = 0; i < 6; i++) {
      run.write(ATTEMPTS);
      await until(() => run.accounted() === run.sampled);
    }
    expect([run.count(C.SPANS_EXPORTED), run.count(C.SPANS_REJECTED), run.count(C.SPANS_LOST_EXPORT)]).toEqual([
      7, 2, 9,
    ]);
    expect(collector.spans()).toHaveLength(6);
    expect(run.count(C.EXPORT_FAILURES)).toBe(5);
  });

  test("a collector that says nothing costs what does not fit, within its bounds, and the stop takes no longer for it", async () => {
    const collector = opened(startHttpCollector(() => new Promise<Response>(() => {})));
    const run = await started({ endpoint: place(collector), maxQueueSpans: 100, maxBatchSpans: 50 });
    for (let i = 0; i < 1_000; i++) run.write();
    await until(() => run.accounted() + run.count(C.SPANS_WAITING) === run.sampled);
    expect(run.count(C.SPANS_WAITING)).toBeLessThanOrEqual(150);
    expect(run.count(C.BYTES_WAITING)).toBeLessThanOrEqual(150 * 1_024);
    await run.tracer.stop(60_000); // it ends by itself
    expect(run.accounted()).toBe(run.sampled);
    expect(run.count(C.SPANS_LOST_EXPORT)).toBeGreaterThan(0);
  });

  test("that is told to end before it is ready, and again then, ends once, and what it could not send is counted", async () => {
    const collector = opened(startHttpCollector(() => new Response(null, { status: 503 })));
    const run = new TracerRun({ endpoint: place(collector), maxQueueSpans: 500, maxBatchSpans: 50 });
    cleanups.push(() => run.close());
    for (let i = 0; i < 1_000; i++) run.write();
    await run.tracer.stop(60_000);
    expect(run.accounted()).toBe(run.sampled);
    expect(run.count(C.EXPORTS)).toBe(0);
    expect(run.count(C.SPANS_LOST_EXPORT)).toBe(500);
  });

  test("stays where a signal for files of logs comes to all processes", async () => {
    const collector = opened(startHttpCollector());
    const run = await started({ endpoint: place(collector) });
    const { pid } = run.tracer.status!;
    for (const signal of ["SIGUSR1", "SIGHUP"] as const) process.kill(pid, signal);
    run.write();
    await until(() => run.count(C.SPANS_EXPORTED) === 1);
    expect(run.tracer.status!.pid).toBe(pid);
  });

  test("that is stopped reads on where it was; what was overwritten meanwhile is counted", async () => {
    const collector = opened(startHttpCollector());
    const run = await started({ endpoint: place(collector), maxQueueSpans: 10_000 });
    run.write();
    await until(() => run.count(C.SPANS_EXPORTED) === 1);
    process.kill(run.tracer.status!.pid, "SIGSTOP");
    // What writes never waits for it.
    for (let i = 0; i < TRACE_ROWS + 600; i++) run.write(); // some are read before it stands still
    process.kill(run.tracer.status!.pid, "SIGCONT");
    await until(() => run.accounted() === run.sampled);
    expect(run.count(C.SPANS_LOST_RING)).toBeGreaterThanOrEqual(500);
  });

  test("that hangs is killed, and its successor goes on behind what it had read", async () => {
    const collector = opened(startHttpCollector());
    const run = await started({ endpoint: place(collector) }, [], 3_000);
    run.write();
    await until(() => run.count(C.SPANS_EXPORTED) === 1);
    const { pid } = run.tracer.status!;
    process.kill(pid, "SIGSTOP");
    run.write();
    await until(() => run.tracer.restarts.hung === 1);
    await until(() => run.count(C.SPANS_EXPORTED) === 2);
    expect(collector.spans()).toHaveLength(2);
    expect(run.tracer.status!.pid).not.toBe(pid);
  });

  test("that dies loses what it had read and not sent, counted", async () => {
    const collector = opened(startHttpCollector());
    const run = await started({ endpoint: place(collector), scheduleDelayMs: 600_000 });
    run.write(ATTEMPTS);
    await until(() => run.count(C.SPANS_WAITING) === 3);
    process.kill(run.tracer.status!.pid, "SIGKILL");
    await until(() => run.tracer.restarts.exit === 1);
    await run.ready();
    expect([run.count(C.SPANS_LOST_EXPORT), run.count(C.SPANS_WAITING)]).toEqual([3, 0]);
    run.write();
    await run.tracer.stop(60_000);
    expect(run.count(C.SPANS_EXPORTED)).toBe(1);
    expect(run.accounted()).toBe(run.sampled);
  });
});
