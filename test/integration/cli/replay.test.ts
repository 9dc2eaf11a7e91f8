/** `neurabalancer replay` over logs of simulated traffic, whose truth is known, and over stores. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { recordSimulation } from "../../../src/replay/record-simulation.ts";
import type { Recording } from "../../../src/replay/recording.ts";
import { parsePolicy } from "../../../src/simulator/policy.ts";
import { builtInScenario } from "../../../src/simulator/scenarios.ts";
import { neurabalancer } from "./spawn.ts";

const START = Date.UTC(2026, 10, 29, 20);
const QUICK = ["--strategies", "adaptive,round_robin", "--runs", "3"];
let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "neurabalancer-replay-"));
  const { recording } = recordSimulation(builtInScenario("homogeneous"), parsePolicy("least_connections"), {
    requests: 12_000,
    seed: 3,
  });
  writeFileSync(join(directory, "calm.log"), nginxLog(recording));
  writeFileSync(join(directory, "calm.log.gz"), gzipSync(nginxLog(recording)));
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

function replay(...args: string[]) {
  return neurabalancer(["replay", ...args], {}, directory);
}

/** As nginx would have written it: by the end of each request. */
function nginxLog({ requests }: Recording): string {
  const seconds = (ms: number) => (ms / 1000).toFixed(3);
  const lines = Array.from(requests.atMs, (atMs, i) => {
    const tookMs = requests.latencyMs[i];
    const endMs = START + atMs + tookMs;
    const status = requests.failed[i] === 1 ? "502" : "200";
    const fields = {
      msec: seconds(endMs),
      request_time: seconds(tookMs),
      request: "GET /a HTTP/1.1",
      status,
      upstream_addr: `10.0.0.${requests.server[i] + 1}:80`,
      upstream_status: status,
      upstream_header_time: seconds(tookMs),
      upstream_response_time: seconds(tookMs),
    };
    return { endMs, text: JSON.stringify(fields) };
  });
  lines.sort((a, b) => a.endMs - b.endMs);
  return lines.map(({ text }) => `${text}\n`).join("");
}

test("--help teaches: sources, times, exit codes", () => {
  const { code, stdout } = neurabalancer(["replay", "--help"]);
  expect(code).toBe(0);
  for (const part of ["Examples:", "haproxy:FILE", "Times:", "Exit codes:", "least_response_time"]) {
    expect(stdout).toContain(part);
  }
});

test("a log: what was recorded, the self-check, the strategies; the same for the same seed; a picture", () => {
  const args = ["--from", "nginx:calm.log", "--ran", "least_connections", ...QUICK];
  const { code, stdout, stderr } = replay(...args, "--plot", "calm.svg");
  expect(stderr).toBe("");
  expect(code).toBe(0);
  expect(stdout).toContain("Recorded: nginx log calm.log\n");
  expect(stdout).toContain("12,000 requests, 10 servers, 1 kind of requests; strategy least_connections");
  expect(stdout).toContain("Self-check: passed.");
  expect(stdout).toMatch(
    /\n {2}least_connections \(ran\) .*\n {4}as it really was .*\n {2}adaptive .*\n {2}round_robin /,
  );
  expect(readFileSync(join(directory, "calm.svg"), "utf8")).toStartWith("<svg ");
  expect(replay(...args).stdout).toBe(stdout);
});

test("JSON, from the compressed log; when nobody says what balanced, figures only where the check passes", () => {
  const { code, stdout } = replay("--from", "nginx:calm.log.gz", "--format", "json", ...QUICK);
  const { recording, notes, selfCheck, forecasts, recorded } = JSON.parse(stdout);
  expect(recording).toMatchObject({ source: "nginx log calm.log.gz", since: "2026-11-29T20:00:00Z", strategy: null });
  expect(recording).toMatchObject({ classes: ["GET /a"], singleRequests: 12_000 });
  expect(selfCheck.strategy).toBeNull();
  const passed = selfCheck.verdict === "passed";
  expect(code).toBe(passed ? 0 : 3);
  expect(forecasts.map(({ strategy }: { strategy: string }) => strategy)).toEqual(
    passed ? ["adaptive", "round_robin"] : [],
  );
  expect(notes.join()).toContain("--ran");
  expect(recorded.requests).toBe(12_000);
});

test("a window of the log that is too short to be checked: no figures, and an exit code of its own", () => {
  const window = ["--since", "2026-11-29T20:00:01", "--until", "2026-11-29T20:00:02"];
  const { code, stdout, stderr } = replay("--from", "nginx:calm.log", ...window, ...QUICK, "--plot", "none.svg");
  expect(code).toBe(3);
  expect(stdout).toContain("Self-check: impossible");
  expect(stdout).toContain("too few single requests");
  expect(stdout).not.toContain("adaptive");
  expect(stderr).toContain("none.svg was not written");
});

describe("nothing to replay: exit code 2, and why", () => {
  test.each([
    [["--from", "nginx:calm.log", "--since", "2026-11-30"], "those it has are from 2026-11-29 20:00:00"],
    [["--from", "nginx:calm.log", "--pool", "shop"], "does not say which pool"],
    [["--from", "haproxy:calm.log"], "the log has no requests"],
    [["--from", "nginx:/etc/hostname"], "/etc/hostname, line 1: it is neither JSON nor the combined format"],
  ])("%j", (args, message) => {
    const { code, stdout, stderr } = replay(...args);
    expect(stderr).toContain(message);
    expect(stdout).toBe("");
    expect(code).toBe(2);
  });

  test("one server only", () => {
    const lines = readFileSync(join(directory, "calm.log"), "utf8").split("\n");
    writeFileSync(join(directory, "one.log"), lines.filter((line) => line.includes('"10.0.0.1:80"')).join("\n"));
    const { code, stderr } = replay("--from", "nginx:one.log");
    expect(stderr).toContain("there was only one: 10.0.0.1:80");
    expect(code).toBe(2);
  });
});

describe("wrong usage: exit code 1, and what would be right", () => {
  test.each([
    [["--from", "apache:x.log"], "nginx:FILE or haproxy:FILE"],
    [["--from", "nginx:"], "nginx:FILE or haproxy:FILE"],
    [["--from", "nginx:absent.log"], "absent.log"],
    [["--from", "nginx:calm.log", "--from", "haproxy:calm.log"], "must have one format"],
    [["--from", "nginx:calm.log", "--instance", "a"], "--instance: only without --from"],
    [["--strategies", "p3c"], 'Unknown strategy "p3c": use one of round_robin'],
    [["--ran", "nginx"], 'Unknown strategy "nginx"'],
    [["--since", "soon"], "2026-11-29T02:30"],
    [["--since", "1h", "--until", "2h"], "--since must be before --until"],
    [["--runs", "1"], "from 3 to 100"],
    [["--from", "nginx:calm.log", "--model", "m", ...QUICK], "--model is for the strategy ml"],
    [["--data-dir", "absent"], "absent"],
  ])("%j", (args, message) => {
    const { code, stdout, stderr } = replay(...args);
    expect(stderr).toContain(message);
    expect(stdout).toBe("");
    expect(code).toBe(1);
  });
});
