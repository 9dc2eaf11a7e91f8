/** `traceparent` and `tracestate` over the wire: whose trace servers are told of, with an exporter and without. */
import { afterEach, describe, expect, test } from "bun:test";
import { Backend, cleanUp, get, ok, TestProxy } from "../../../support/proxy-harness.ts";
import type { TestSettings } from "../../../support/proxy-settings.ts";
import { singleValue, valuesOf, type WireMessage } from "../../../support/wire.ts";

afterEach(cleanUp);

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const SPAN = "b7ad6b7169203331";
const VALID = `00-${TRACE}-${SPAN}-01`;
const WRONG = [
  `${VALID}0`,
  VALID.toUpperCase(),
  `ff-${TRACE}-${SPAN}-01`,
  `00-${"0".repeat(32)}-${SPAN}-01`,
  `00-${TRACE}-${"0".repeat(16)}-01`,
  "x",
];
const OURS = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-(0[0-3])$/;

/** A proxy, and what its server sees of each request. */
async function observed(settings: Partial<TestSettings> = {}) {
  const seen: WireMessage[] = [];
  const backend = await Backend.answering((request) => {
    seen.push(request);
    return ok();
  });
  const proxy = new TestProxy([backend], { settings });
  return {
    proxy,
    async sent(fields = ""): Promise<WireMessage> {
      await proxy.ask(get("/", fields));
      return seen[seen.length - 1];
    },
  };
}

const exporting = (ratio: number, parentBased = true): Partial<TestSettings> => ({
  tracing: { ratio, parentBased, propagates: true },
});

/** Trace, span and flags that the server was told. */
function contextOf(message: WireMessage): [trace: string, span: string, flags: string] {
  const [, trace, span, flags] = OURS.exec(singleValue(message, "traceparent") ?? "") ?? [];
  return [trace, span, flags];
}

describe("without an exporter", () => {
  test("what a client says passes as it came, and nothing is made up", async () => {
    const { sent } = await observed();
    expect(valuesOf(await sent(), "traceparent")).toEqual([]);
    for (const value of [VALID, `00-${TRACE}-${SPAN}-00`, ...WRONG]) {
      const request = await sent(`TraceParent: ${value}\r\ntracestate: a=1\r\ntracestate: b=2\r\nbaggage: c=3\r\n`);
      expect(valuesOf(request, "traceparent")).toEqual([value]);
      expect(valuesOf(request, "tracestate")).toEqual(["a=1", "b=2"]);
      expect(valuesOf(request, "baggage")).toEqual(["c=3"]);
    }
    expect(valuesOf(await sent("tracestate: a=1\r\n"), "tracestate")).toEqual(["a=1"]);
    expect(valuesOf(await sent(`traceparent: ${VALID}\r\ntraceparent: x\r\n`), "traceparent")).toEqual([VALID, "x"]);
  });
});

describe("with an exporter", () => {
  test("a client's trace goes on, with a span of ours, and its tracestate and baggage pass", async () => {
    const { sent } = await observed(exporting(0));
    const request = await sent(`traceparent: ${VALID}\r\ntracestate: a=1,b=2\r\ntracestate: c=3\r\nbaggage: d=4\r\n`);
    const [trace, span, flags] = contextOf(request);
    expect([trace, flags]).toEqual([TRACE, "01"]);
    expect(span).not.toBe(SPAN);
    expect(valuesOf(request, "tracestate")).toEqual(["a=1,b=2", "c=3"]);
    expect(valuesOf(request, "baggage")).toEqual(["d=4"]);
  });

  test("tracestate passes untouched however long it is, or wrong", async () => {
    const { sent } = await observed(exporting(0));
    const members = Array.from({ length: 40 }, (_, i) => `vendor${i}@system=${"v".repeat(20)}`).join(",");
    for (const state of [members, "a=1,,b=2", "A=1", "a", "a=1,a=2"]) {
      const request = await sent(`traceparent: ${VALID}\r\ntracestate: ${state}\r\n`);
      expect(valuesOf(request, "tracestate")).toEqual([state]);
    }
  });

  test("without a valid traceparent a trace begins here, under the request's id, and no tracestate belongs to it", async () => {
    const { sent } = await observed(exporting(1));
    for (const fields of [
      "",
      ...WRONG.map((value) => `traceparent: ${value}\r\n`),
      `traceparent: ${VALID}\r\n`.repeat(2),
    ]) {
      const request = await sent(`${fields}tracestate: a=1\r\nbaggage: b=2\r\n`);
      const [trace, , flags] = contextOf(request);
      expect(trace).toBe(singleValue(request, "x-request-id") ?? "");
      expect(flags).toBe("03"); // sampled, and its id is random
      expect(valuesOf(request, "tracestate")).toEqual([]);
      expect(valuesOf(request, "baggage")).toEqual(["b=2"]);
    }
  });

  test("a version to come is gone on with in ours, without what only it knows", async () => {
    const { sent } = await observed(exporting(0));
    const [trace, span, flags] = contextOf(await sent(`traceparent: cc-${TRACE}-${SPAN}-ff-more\r\n`));
    expect([trace, flags]).toEqual([TRACE, "03"]);
    expect(span).not.toBe(SPAN);
  });

  test.each([
    ["always on, by the parent", 1, true, ["01", "00", "03"]],
    ["always off, by the parent", 0, true, ["01", "00", "02"]],
    ["always on", 1, false, ["01", "01", "03"]],
    ["always off", 0, false, ["00", "00", "02"]],
  ] as const)("flags are those of our sampler: %s", async (_, ratio, parentBased, expected) => {
    const { sent } = await observed(exporting(ratio, parentBased));
    const flags: string[] = [];
    for (const fields of [`traceparent: ${VALID}\r\n`, `traceparent: ${VALID.replace(/1$/, "0")}\r\n`, ""]) {
      flags.push(contextOf(await sent(fields))[2]);
    }
    expect(flags).toEqual([...expected]);
  });

  test("a stranger cannot choose an id that is sampled, a trusted proxy's id says it", async () => {
    const chosen = `traceparent: 00-${"a".repeat(16)}${"1".padStart(16, "0")}-${SPAN}-01\r\n`;
    const sampled = async (trustedProxies: readonly string[]): Promise<number> => {
      const { sent } = await observed({ ...exporting(2 ** -30, false), trustedProxies });
      let count = 0;
      for (let i = 0; i < 10; i++) if (contextOf(await sent(chosen))[2] === "01") count++;
      return count;
    };
    expect(await sampled([])).toBe(0);
    expect(await sampled(["127.0.0.1"])).toBe(10);
  });

  test("each request has a span of its own", async () => {
    const { sent } = await observed(exporting(0));
    const spans = new Set<string>();
    for (let i = 0; i < 30; i++) spans.add(contextOf(await sent(`traceparent: ${VALID}\r\n`))[1]);
    expect(spans.size).toBe(30);
  });

  test("a reload switches it on and off, and changes the sampler, on a connection that lives on", async () => {
    const { proxy, sent } = await observed();
    expect(valuesOf(await sent(), "traceparent")).toEqual([]);
    proxy.change(exporting(1));
    expect(contextOf(await sent())[2]).toBe("03");
    proxy.change(exporting(0));
    expect(contextOf(await sent())[2]).toBe("02");
    proxy.change({ tracing: null });
    expect(valuesOf(await sent(), "traceparent")).toEqual([]);
  });
});

describe("without trace context among the propagators", () => {
  test("both fields are as any others, and the trace is ours alone", async () => {
    const tracing = { ratio: 1, parentBased: true, propagates: false };
    const { proxy, sent } = await observed({ tracing, accessLog: true });
    const request = await sent(`traceparent: ${VALID}\r\ntracestate: a=1\r\n`);
    expect(valuesOf(request, "traceparent")).toEqual([VALID]);
    expect(valuesOf(request, "tracestate")).toEqual(["a=1"]);
    expect(valuesOf(await sent(), "traceparent")).toEqual([]);
    const [line] = await proxy.logLines(2);
    const { trace_id: trace, request_id: id } = JSON.parse(line);
    expect(trace).toBe(id);
  });
});

describe("the log", () => {
  const logged = async (settings: Partial<TestSettings>, fields: string) => {
    const { proxy, sent } = await observed({ ...settings, accessLog: true });
    await sent(fields);
    const [line] = await proxy.logLines(1);
    return JSON.parse(line);
  };

  test("has the trace's id where there is one", async () => {
    expect((await logged({}, "")).trace_id).toBe("");
    expect((await logged({}, `traceparent: ${VALID}\r\n`)).trace_id).toBe(TRACE);
    expect((await logged({}, "traceparent: x\r\n")).trace_id).toBe("");
    expect((await logged(exporting(0), `traceparent: ${VALID}\r\n`)).trace_id).toBe(TRACE);
    const ours = await logged(exporting(0), "");
    expect(ours.trace_id).toBe(ours.request_id);
  });
});
