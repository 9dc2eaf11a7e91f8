import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { KNOWN_NAMES } from "../../../src/config/misspelt.ts";
import { Failures } from "../../../src/proxy/failure.ts";
import { ErrorCode } from "../../../src/proxy/http2/error-codes.ts";
import { FrameType } from "../../../src/proxy/http2/frames/layout.ts";
import { SettingId } from "../../../src/proxy/http2/settings.ts";
import { GrpcStatus } from "../../../src/shared/grpc-status.ts";
import { Header, SHARED_BYTES, viewSharedMemory } from "../../../src/shared/memory/layout/shared-memory.ts";
import { missingRows, namedFiles, unknownMetrics, unknownSettings, unmentioned } from "./document-rules.ts";
import { ROOT, readSources } from "./source-tokens.ts";

const DOCUMENTS = [
  ...readdirSync(ROOT).filter((name) => name.endsWith(".md")),
  ...readdirSync(join(ROOT, "docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
];
const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");

const CODES = Object.values(Failures).map(({ code }) => code);
/** Begin as metrics do, and are a table of the database and a network of Docker Compose's. */
const NO_METRICS = ["neurabalancer_schema", "neurabalancer_telemetry"];
const METRICS = new Set(
  [...read("docs/metrics.md").matchAll(/^\| `(neurabalancer_\w+)` \| (\w+)/gm)].flatMap(([, name, type]) =>
    type === "histogram" ? [name, `${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
  ),
);
const SETTINGS = new Set(KNOWN_NAMES);
/** Names in capitals that are no settings. */
const OTHER_NAMES = [
  ...Object.keys(Header),
  ...Object.keys(GrpcStatus),
  ...Object.keys(ErrorCode), // of HTTP/2, as its frames and settings
  ...Object.keys(FrameType),
  ...Object.keys(SettingId).map((name) => `SETTINGS_${name}`),
  "OTEL_METRICS_EXPORTER", // the standard's, which we say we do not have
  "OTEL_LOGS_EXPORTER",
  "BACKEND_PORT",
  "BACKEND_INSTANCE_ID",
  "ARGOCD_SERVER", // of Argo CD, as its program reads them
  "ARGOCD_AUTH_TOKEN",
  "ARGOCD_OPTS",
  "MIMALLOC_PURGE_DELAY", // the allocator's
  "NODE_ENV",
  "ONNXRUNTIME_NODE_INSTALL", // that of its install step
  "TEST_SEED", // scripts/test-setup.ts
  "WATCHDOG_USEC", // systemd's
  "SERVER_WEIGHT_BACKEND_1_8001", // an example
  "SO_REUSEPORT",
];

describe("documents", () => {
  test("both tables of failures have every failure", () => {
    expect(missingRows(read("ARCHITECTURE.md"), CODES)).toEqual([]);
    expect(missingRows(read("docs/operations.md"), CODES)).toEqual([]);
    expect(missingRows("speaks of `a_failure`\n| `other` |", ["a_failure", "other"])).toEqual(["a_failure"]);
  });

  test("ARCHITECTURE.md has every column of the shared memory", () => {
    const { servers, pools, workers, rings, learned, recorder, history, tracer, traces, explain } = viewSharedMemory(
      new ArrayBuffer(SHARED_BYTES),
    );
    const header = Object.keys(Header).filter((name) => name !== "LENGTH");
    const plain = [servers, pools, workers[0], rings[0]].flatMap((region) => Object.keys(region));
    const dotted = Object.entries({
      learned: learned[0],
      recorder,
      history: history[0],
      tracer,
      traces: traces[0],
      explain,
    }).flatMap(([name, region]) => Object.keys(region).map((column) => `${name}.${column}`));
    const columns = [...header, ...plain, "clientConnections", "learnerCounters", "learnerPositions", ...dotted];
    expect(unmentioned(read("ARCHITECTURE.md"), columns)).toEqual([]);
    expect(unmentioned("has `one`", ["one", "two"])).toEqual(["two"]);
  });

  test.each(DOCUMENTS)("%s names metrics, settings and files that exist", (path) => {
    const text = read(path);
    expect(unknownMetrics(text, new Set([...METRICS, ...NO_METRICS]))).toEqual([]);
    expect(unknownSettings(text, new Set([...SETTINGS, ...OTHER_NAMES]))).toEqual([]);
    const files = ["src", "test", "bench", "scripts"].flatMap(readSources).map((file) => `/${file.path}`);
    const known = (name: string) => existsSync(join(ROOT, name)) || files.some((file) => file.endsWith(`/${name}`));
    expect(namedFiles(text).filter((name) => !known(name))).toEqual([]);
  });

  test("what does not exist is found", () => {
    expect(unknownMetrics("`neurabalancer_no_such_total`", METRICS)).toEqual(["neurabalancer_no_such_total"]);
    expect(unknownSettings("`NO_SUCH`, `APP_PORT=1`, `NO_VALUE=2`", SETTINGS)).toEqual(["NO_SUCH", "NO_VALUE"]);
    expect(namedFiles("`src/a.ts` and `b.mjs`, not c.ts")).toEqual(["src/a.ts", "b.mjs"]);
  });
});
