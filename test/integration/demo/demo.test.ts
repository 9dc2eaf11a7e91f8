/** The demo as a newcomer starts it: real servers, a real balancer, real processes. */
import { afterAll, afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { DemoSummary } from "../../../src/demo/summary.ts";
import { spawn } from "../../support/processes.ts";
import { until as holds } from "../../support/until.ts";

setDefaultTimeout(240_000);

const LAUNCHER = fileURLToPath(new URL("../../../bin/neurabalancer", import.meta.url));
// A demo that is killed leaves its working directory behind.
const TMPDIR = mkdtempSync(join(tmpdir(), "neurabalancer-demo-test-"));
const running = new Set<Bun.Subprocess>();

afterEach(() => {
  for (const child of running) if (child.exitCode === null) child.kill("SIGKILL");
});

afterAll(() => rmSync(TMPDIR, { recursive: true, force: true }));

function demo(...flags: string[]) {
  const env = { ...process.env, TMPDIR };
  const child = spawn([LAUNCHER, "demo", ...flags], { env, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  running.add(child);
  return child;
}

/** A question that nobody answers yet is asked again. */
const until = (condition: () => Promise<boolean>) => holds(() => condition().catch(() => false));

/** Reads what the demo says until it names its balancer. */
async function balancerOf(child: { stderr: ReadableStream<Uint8Array> }): Promise<{ url: string; said: string }> {
  let said = "";
  for await (const chunk of child.stderr) {
    said += new TextDecoder().decode(chunk);
    const url = /on (http:\S+)/.exec(said)?.[1];
    if (url) return { url, said };
  }
  throw new Error(`the demo said only: ${said}`);
}

interface Server {
  readonly url: string;
  readonly alive: boolean;
  readonly requests: number;
}

async function serversOf(url: string): Promise<readonly Server[]> {
  return (await (await fetch(`${url}/api/v1/servers`)).json()) as Server[];
}

const isClosed = (url: string) =>
  fetch(url, { signal: AbortSignal.timeout(1000) }).then(
    () => false,
    (error: { code?: string }) => error.code === "ECONNREFUSED",
  );

describe("demo", () => {
  test("every request succeeds and the slow server gets the least", async () => {
    const child = demo("--seconds", "3", "--json", "--port", "0");
    const [output, problems, code] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ]);
    expect(problems).toStartWith("Starting 3 servers");
    const summary = JSON.parse(output) as DemoSummary;
    expect(summary).toMatchObject({ strategy: "least_connections", failed: 0, failed_unexplained: 0, failures: {} });
    expect(code).toBe(0);
    expect(summary.requests).toBeGreaterThan(300);
    expect(summary.succeeded).toBe(summary.requests);
    const [fast, medium, slow] = summary.servers;
    expect([fast, medium, slow].map(({ name, state }) => [name, state])).toEqual([
      ["fast", "up"],
      ["medium", "up"],
      ["slow", "up"],
    ]);
    expect(fast.share).toBeGreaterThan(slow.share);
    expect(medium.share).toBeGreaterThan(slow.share);
    expect(slow.share).toBeGreaterThan(0);
    expect(fast.share + medium.share + slow.share).toBeCloseTo(1);
    // The balancer counted what the clients sent, and hardly more: a retry counts as well.
    const counted = fast.requests + medium.requests + slow.requests;
    expect(counted).toBeGreaterThanOrEqual(summary.requests);
    expect(counted).toBeLessThan(summary.requests * 1.02);
    expect(summary.p50_ms!).toBeGreaterThan(1);
    expect(summary.p99_ms!).toBeGreaterThan(summary.p50_ms!);
    for (const url of [summary.url, ...summary.servers.map((server) => server.url)]) {
      expect(await isClosed(url)).toBe(true);
    }
  });

  test("a taken port is told of, and no process outlives a demo that is killed", async () => {
    const other = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    try {
      const child = demo("--port", String(other.port), "--rate", "20");
      const { url, said } = await balancerOf(child);
      expect(said).toContain(`Port ${other.port} is taken`);
      await until(async () => (await serversOf(url)).some((server) => server.requests > 0));
      const servers = await serversOf(url);
      child.kill("SIGKILL");
      for (const each of [url, ...servers.map((server) => server.url)]) await until(() => isClosed(each));
    } finally {
      other.stop(true);
    }
  });

  test("a killed server leaves, is restarted and returns; SIGINT ends it all with 0", async () => {
    const child = demo("--port", "0", "--rate", "50", "--json");
    const { url } = await balancerOf(child);
    await until(async () => (await serversOf(url)).every((server) => server.alive && server.requests > 0));
    const victim = (await serversOf(url))[0].url;
    const { pid } = (await (await fetch(victim)).json()) as { pid: number };
    const stateOf = async () => (await serversOf(url)).find((server) => server.url === victim)!;
    process.kill(pid, "SIGKILL");
    await until(async () => !(await stateOf()).alive);
    await until(async () => (await stateOf()).alive);
    const returned = (await stateOf()).requests;
    expect(((await (await fetch(victim)).json()) as { pid: number }).pid).not.toBe(pid);
    await until(async () => (await stateOf()).requests > returned);
    child.kill("SIGINT");
    const summary = JSON.parse(await new Response(child.stdout).text()) as DemoSummary;
    expect(summary.failed_unexplained).toBe(0);
    expect(summary.succeeded).toBeGreaterThan(summary.failed);
    expect(await child.exited).toBe(0);
    expect(await isClosed(url)).toBe(true);
  });

  test.each([
    [["--strategy", "best"], "Allowed choices are"],
    [["--port", "99999"], "from 0 to 65535"],
    [["--seconds", "x"], "from 1 to"],
  ])("%p is refused", async (flags, said) => {
    const child = demo(...flags);
    expect(await new Response(child.stderr).text()).toContain(said);
    expect(await child.exited).toBe(1);
  });
});
