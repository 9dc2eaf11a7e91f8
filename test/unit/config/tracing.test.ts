/** What the variables of OpenTelemetry come to. */
import { describe, expect, test } from "bun:test";
import { hostname } from "node:os";
import { toTraceSampling } from "../../../src/config/exported-traces.ts";
import { toTracerSettings } from "../../../src/config/tracer-settings.ts";
import { configOf, load, problemsOf } from "../../support/configuration.ts";

const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318" };

function settings(env: Record<string, string>) {
  return toTracerSettings(configOf(env), 0);
}

function sampling(env: Record<string, string>) {
  return toTraceSampling(configOf({ ...ENDPOINT, ...env }));
}

function warningsOf(env: Record<string, string>): readonly string[] {
  return load(env).warnings;
}

describe("whether traces are exported", () => {
  test("OTEL_ENABLED, OTEL_SDK_DISABLED, OTEL_TRACES_EXPORTER and endpoints say whether traces are exported", () => {
    const on = (env: Record<string, string>) => settings(env) !== null;
    expect(on({})).toBe(false);
    expect(on(ENDPOINT)).toBe(true);
    expect(on({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://c:4318/v1/traces" })).toBe(true);
    expect(on({ OTEL_ENABLED: "true" })).toBe(true);
    expect(on({ ...ENDPOINT, OTEL_ENABLED: "false" })).toBe(false);
    expect(on({ ...ENDPOINT, OTEL_SDK_DISABLED: "true" })).toBe(false);
    expect(on({ ...ENDPOINT, OTEL_TRACES_EXPORTER: "none" })).toBe(false);
  });

  test("what contradicts OTEL_ENABLED is said", () => {
    expect(warningsOf({ OTEL_ENABLED: "true", OTEL_SDK_DISABLED: "true" })).toEqual([
      "OTEL_ENABLED has no effect: OTEL_SDK_DISABLED says that nothing is exported",
    ]);
  });
});

describe("where spans go", () => {
  test.each([
    [{ OTEL_ENABLED: "true" }, "http://localhost:4318/v1/traces"],
    [{ OTEL_ENABLED: "true", OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" }, "http://localhost:4317"],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://c:4318" }, "http://c:4318/v1/traces"],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://c:4318/" }, "http://c:4318/v1/traces"],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: "https://c/otlp?key=1" }, "https://c/otlp/v1/traces?key=1"],
    [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://c:4318/other" }, "http://c:4318/other"],
    [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://c:4318" }, "http://c:4318/"],
    [{ ...ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://[::1]:9/t" }, "http://[::1]:9/t"],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://c:4317", OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" }, "http://c:4317"],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: "https://c", OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" }, "https://c:443"],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: "c:4317", OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" }, "https://c:4317"],
    [
      {
        OTEL_EXPORTER_OTLP_ENDPOINT: "c:4317",
        OTEL_EXPORTER_OTLP_PROTOCOL: "grpc",
        OTEL_EXPORTER_OTLP_INSECURE: "true",
      },
      "http://c:4317",
    ],
  ])("%p is %s", (env, endpoint) => {
    expect(settings(env as unknown as Record<string, string>)?.endpoint).toBe(endpoint);
  });

  test("the setting of traces wins over the general one, setting by setting", () => {
    const both = settings({
      ...ENDPOINT,
      OTEL_EXPORTER_OTLP_HEADERS: "a=1",
      OTEL_EXPORTER_OTLP_TRACES_HEADERS: "Authorization=Bearer%20x,b=2",
      OTEL_EXPORTER_OTLP_TIMEOUT: "5s",
      OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: "7000",
      OTEL_EXPORTER_OTLP_COMPRESSION: "gzip",
      OTEL_EXPORTER_OTLP_PROTOCOL: "grpc",
      OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: "http/protobuf",
    });
    expect(both).toMatchObject({
      headers: { authorization: "Bearer x", b: "2" },
      timeoutMs: 7_000,
      compression: "gzip",
      protocol: "http/protobuf",
    });
  });

  test("headers are secret, and nothing of them is repeated in a complaint", () => {
    const loaded = load({ ...ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS: "authorization=hunter2" });
    expect(JSON.stringify(loaded.ok && loaded.effective)).not.toContain("hunter2");
    expect(problemsOf({ OTEL_EXPORTER_OTLP_HEADERS: "authorization=hunter2%zz,content-type=a,b" })).toEqual([
      'OTEL_EXPORTER_OTLP_HEADERS=**** (environment): entry 1 has a "%" in the value of authorization that is no percent-encoding: write it as %25',
      "OTEL_EXPORTER_OTLP_HEADERS=**** (environment): entry 2 names content-type, which the exporter needs for itself",
      'OTEL_EXPORTER_OTLP_HEADERS=**** (environment): entry 3 has no "=": write name=value, and a comma in a value as %2C',
    ]);
  });

  test.each([
    ["ftp://c:1", "must begin with http:// or https://, or be host:port for gRPC"],
    ["collector", "must be a URL such as http://localhost:4318, or host:port for gRPC such as localhost:4317"],
    ["http://u:p@c:1", "must not have a user name or a password"],
    ["http://c:0", "must have a port from 1 to 65535"],
    ["http://c:1/#a", 'must have no "#"'],
  ])("OTEL_EXPORTER_OTLP_ENDPOINT=%s: %s", (value, complaint) => {
    const problems = problemsOf({ OTEL_EXPORTER_OTLP_ENDPOINT: value });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(complaint);
  });

  test("host:port is for gRPC", () => {
    expect(problemsOf({ OTEL_EXPORTER_OTLP_ENDPOINT: "c:4317" })).toEqual([
      "OTEL_EXPORTER_OTLP_ENDPOINT: must begin with http:// or https:// where OTEL_EXPORTER_OTLP_PROTOCOL is http/protobuf",
    ]);
  });

  test("a certificate needs its key; all problems are told at once", () => {
    const problems = problemsOf({
      ...ENDPOINT,
      OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: "/nowhere.pem",
      OTEL_TRACES_SAMPLER: "parentbased",
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
    });
    expect(problems).toHaveLength(3);
    expect(problems.join("\n")).toContain("OTEL_EXPORTER_OTLP_CLIENT_KEY: is required by");
    expect(problems.join("\n")).toContain("must be one of: http/protobuf, grpc");
    expect(problems.join("\n")).toContain("must be one of: always_on, always_off, traceidratio");
  });

  test("what cannot be read stops the start", () => {
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: "https://c:1", OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE: "/nowhere.pem" };
    expect(() => settings(env)).toThrow("OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE: cannot read /nowhere.pem");
  });

  test("a port of the other protocol is pointed out", () => {
    const [warning] = warningsOf({ OTEL_EXPORTER_OTLP_ENDPOINT: "http://c:4317" });
    expect(warning).toStartWith("OTEL_EXPORTER_OTLP_ENDPOINT: port 4317 is where a collector has grpc as a rule");
  });

  test("a path that is there twice, or not at all, is pointed out", () => {
    expect(warningsOf({ OTEL_EXPORTER_OTLP_ENDPOINT: "http://c:4318/v1/traces" })).toEqual([
      "OTEL_EXPORTER_OTLP_ENDPOINT: ends with /v1/traces, which is appended once more: leave it out, or set OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, which is taken as it stands",
    ]);
    expect(warningsOf({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://c:4318" })).toEqual([
      "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: is taken as it stands and has no path: a collector takes traces at /v1/traces as a rule, which OTEL_EXPORTER_OTLP_ENDPOINT appends",
    ]);
    expect(warningsOf({ OTEL_EXPORTER_OTLP_ENDPOINT: "https://c/otlp?key=1" })).toEqual([]);
    expect(warningsOf({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://c:4318/v1/traces" })).toEqual([]);
    const grpc = { OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" };
    expect(warningsOf({ ...grpc, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://c:4317" })).toEqual([]);
  });
});

describe("what is sent", () => {
  test("OTEL_SERVICE_NAME wins over OTEL_RESOURCE_ATTRIBUTES, and that over the default", () => {
    const resource = (env: Record<string, string>) => settings({ ...ENDPOINT, ...env })?.resource;
    expect(resource({})).toEqual({ "service.name": "neurabalancer", "service.instance.id": hostname() });
    expect(resource({ INSTANCE_NAME: "edge-1" })?.["service.instance.id"]).toBe("edge-1");
    expect(resource({ OTEL_RESOURCE_ATTRIBUTES: "service.name=a%20b, team=shop%2C1," })).toMatchObject({
      "service.name": "a b",
      team: "shop,1",
    });
    expect(resource({ OTEL_RESOURCE_ATTRIBUTES: "service.name=a", OTEL_SERVICE_NAME: "b" })).toMatchObject({
      "service.name": "b",
    });
  });

  test("OTEL_BSP_* and limits of values", () => {
    expect(settings(ENDPOINT)).toMatchObject({
      scheduleDelayMs: 5_000,
      exportTimeoutMs: 30_000,
      maxQueueSpans: 2_048,
      maxBatchSpans: 512,
      maxValueLength: null,
    });
    const env = { OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT: "9", OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT: "8" };
    expect(settings({ ...ENDPOINT, ...env, OTEL_BSP_MAX_QUEUE_SIZE: "7" })).toMatchObject({
      maxValueLength: 8,
      maxQueueSpans: 7,
      maxBatchSpans: 7,
    });
  });
});

describe("which requests are traced", () => {
  test("OTEL_TRACES_SAMPLER and its argument say which requests are traced", () => {
    const of = (sampler: string) => sampling({ OTEL_TRACES_SAMPLER: sampler, OTEL_TRACES_SAMPLER_ARG: "0.5" });
    expect(of("always_on")?.ratio).toBe(1);
    expect(of("traceidratio")?.ratio).toBe(0.5);
  });

  test.each([
    ["always_on", { ratio: 1, parentBased: false }],
    ["always_off", { ratio: 0, parentBased: false }],
    ["traceidratio", { ratio: 0.25, parentBased: false }],
    ["parentbased_always_on", { ratio: 1, parentBased: true }],
    ["parentbased_always_off", { ratio: 0, parentBased: true }],
    ["parentbased_traceidratio", { ratio: 0.25, parentBased: true }],
  ])("OTEL_TRACES_SAMPLER=%s", (sampler, expected) => {
    expect(sampling({ OTEL_TRACES_SAMPLER: sampler, OTEL_TRACES_SAMPLER_ARG: "0.25" })).toMatchObject(expected);
  });

  test("a share without a sampler that takes one is pointed out", () => {
    expect(warningsOf({ ...ENDPOINT, OTEL_TRACES_SAMPLER_ARG: "0.1" })[0]).toContain(
      "OTEL_TRACES_SAMPLER_ARG=0.1 has no effect",
    );
  });

  test("OTEL_PROPAGATORS: tracecontext or not; what is not supported is said", () => {
    expect(sampling({})?.propagates).toBe(true);
    expect(sampling({ OTEL_PROPAGATORS: "none" })?.propagates).toBe(false);
    expect(sampling({ OTEL_PROPAGATORS: "baggage" })?.propagates).toBe(false);
    expect(warningsOf({ ...ENDPOINT, OTEL_PROPAGATORS: "tracecontext,b3" })).toEqual([
      "OTEL_PROPAGATORS: b3 is not supported: requests have tracecontext alone",
    ]);
    expect(warningsOf({ ...ENDPOINT, OTEL_PROPAGATORS: "b3" })).toEqual([
      "OTEL_PROPAGATORS: b3 is not supported: traceparent and tracestate are neither read nor written without tracecontext in the list",
    ]);
    expect(problemsOf({ OTEL_PROPAGATORS: "zipkin" })[0]).toContain("entry 1 must be one of: tracecontext");
    expect(problemsOf({ OTEL_PROPAGATORS: "none,baggage" })[0]).toContain("must have nothing beside none");
  });
});
