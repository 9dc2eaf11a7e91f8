import { afterEach, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { connect } from "node:net";
import { Command } from "commander";
import { type Backend, type BackendOptions, startBackend } from "../../../src/backend/server.ts";
import { registerBackend } from "../../../src/cli/backend.ts";
import { spawn } from "../../support/processes.ts";
import { until } from "../../support/until.ts";

const running: Backend[] = [];

function start(options: Partial<BackendOptions> = {}): Backend {
  const backend = startBackend({ port: 0, random: Math.random, nowMs: () => performance.now(), ...options });
  running.push(backend);
  return backend;
}

afterEach(async () => {
  await Promise.all(running.splice(0).map((backend) => backend.stop(0)));
});

describe("endpoints", () => {
  test("health, metrics and echo", async () => {
    const { url, instanceId, port } = start();
    const health = await fetch(`${url}/health`);
    expect([health.status, await health.json()]).toEqual([200, { status: "ok", instance: instanceId }]);
    expect(instanceId).toEndWith(`-${port}`);

    const metrics = (await (await fetch(`${url}/metrics`)).json()) as Record<string, number>;
    expect(Object.keys(metrics)).toEqual(["cpu_usage", "memory_usage"]);
    expect(metrics.cpu_usage).toBeGreaterThanOrEqual(0);
    expect(metrics.memory_usage).toBeGreaterThan(0);

    const echo = await fetch(`${url}/some/path?a=1`, { headers: { "x-sent": "yes" } });
    expect(echo.headers.get("x-instance")).toBe(instanceId);
    expect(await echo.json()).toMatchObject({
      instance: instanceId,
      pid: process.pid,
      method: "GET",
      path: "/some/path?a=1",
      headers: { "x-sent": "yes" },
      served: 1,
      uptime_seconds: expect.any(Number),
    });
  });

  test("counts a request body and takes its hash", async () => {
    const backend = start();
    const body = new Uint8Array(3_000_000).fill(7);
    const echo = (await (await fetch(backend.url, { method: "POST", body })).json()) as Record<string, unknown>;
    expect(echo.body).toEqual({ bytes: body.length, sha256: createHash("sha256").update(body).digest("hex") });
    expect(backend.stats()).toMatchObject({ received: 1, served: 1, in_flight: 0, body_bytes: body.length });
  });

  test("reports load by ORCA only when asked to", async () => {
    const orca = start({ orca: true });
    expect((await fetch(orca.url)).headers.get("endpoint-load-metrics")).toMatch(
      /^TEXT cpu_utilization=\d+\.\d+,mem_utilization=0\.\d+$/,
    );
    expect((await fetch(start().url)).headers.has("endpoint-load-metrics")).toBe(false);
  });
});

describe("knobs", () => {
  test("are turned live; a wrong one turns nothing", async () => {
    const backend = start();
    const post = (body: string) => fetch(`${backend.url}/_admin/knobs`, { method: "POST", body });
    expect((await post('{"fail_health": true, "error_rate": 1}')).status).toBe(200);
    expect((await fetch(`${backend.url}/health`)).status).toBe(503);
    expect((await fetch(backend.url)).status).toBe(500);

    const wrong = await post('{"error_rate": 0, "latency_ms": "fast"}');
    expect(wrong.status).toBe(400);
    expect(await wrong.text()).toContain("latency_ms");
    expect((await post("{")).status).toBe(400);
    expect(await (await fetch(`${backend.url}/_admin/knobs`)).json()).toMatchObject({ error_rate: 1, latency_ms: 0 });
    expect((await fetch(`${backend.url}/_admin/knobs`, { method: "DELETE" })).status).toBe(405);
    expect(backend.stats().errors).toBe(1);
  });

  test("concurrency makes requests wait for each other", async () => {
    const backend = start({ knobs: { concurrency: 1, latency_ms: 20 } });
    const startedMs = performance.now();
    const answers = await Promise.all([1, 2, 3].map(() => fetch(backend.url)));
    expect(answers.map((answer) => answer.status)).toEqual([200, 200, 200]);
    expect(performance.now() - startedMs).toBeGreaterThan(55);
    expect(backend.stats().max_in_flight).toBe(3);
  });

  test("a hanging request ends with its client", async () => {
    const backend = start({ knobs: { hang_rate: 1, concurrency: 1 } });
    const client = new AbortController();
    const answer = fetch(backend.url, { signal: client.signal });
    await until(() => backend.stats().hung === 1);
    client.abort();
    await expect(answer).rejects.toThrow();
    await until(() => backend.stats().in_flight === 0);
    expect(backend.stats()).toMatchObject({ abandoned: 1, served: 0 });
  });
});

describe("stopping", () => {
  test("finishes what is in flight, cuts what hangs, frees the port", async () => {
    const backend = start({ knobs: { latency_ms: 150 } });
    const slow = fetch(backend.url);
    await until(() => backend.stats().in_flight === 1);
    backend.turn({ hang_rate: 1 });
    const hanging = fetch(backend.url).then(
      () => "answered",
      () => "cut",
    );
    await until(() => backend.stats().hung === 1);
    await backend.stop();
    expect((await slow).status).toBe(200);
    expect(await hanging).toBe("cut");
    const refused = new Promise((resolve) => connect(backend.port, "127.0.0.1").on("error", resolve));
    expect(await refused).toMatchObject({ code: "ECONNREFUSED" });
  });

  test("a taken port is an error", () => {
    const { port } = start();
    expect(() => startBackend({ port, random: Math.random, nowMs: () => 0 })).toThrow("in use");
  });
});

describe("command", () => {
  const program = () => {
    const made = new Command().exitOverride().configureOutput({ writeErr: () => {} });
    registerBackend(made);
    made.commands[0].exitOverride().configureOutput({ writeErr: () => {} });
    return made;
  };

  test("refuses wrong values", () => {
    for (const flags of ["--port=x", "--port=70000", "--port=1.5", "--error-rate=2", "--fail-health=perhaps"]) {
      expect(() => program().parse(["backend", flags], { from: "user" })).toThrow(/Expected/);
    }
  });

  test("runs from the environment and ends with 0 on SIGTERM", async () => {
    const source = `
      import { Command } from "commander";
      import { registerBackend } from "${import.meta.dir}/../../../src/cli/backend.ts";
      const program = new Command();
      registerBackend(program);
      program.parse(["backend"], { from: "user" });`;
    const child = spawn([process.execPath, "-e", source], {
      cwd: `${import.meta.dir}/../../..`,
      env: {
        ...process.env,
        BACKEND_PORT: "0",
        BACKEND_INSTANCE_ID: "one",
        BACKEND_LATENCY_MS: "2000",
        BACKEND_FAIL_HEALTH: "false",
      },
      stdout: "pipe",
      stderr: "inherit",
    });
    try {
      const line = new TextDecoder().decode((await child.stdout.getReader().read()).value);
      expect(line).toContain("backend one ");
      const url = /http:\S+/.exec(line)![0];
      expect((await fetch(`${url}/health`)).status).toBe(200);
      const slow = fetch(url);
      await Bun.sleep(1000); // it has come; nothing of it shows
      child.kill("SIGTERM");
      expect((await slow).status).toBe(200);
      expect(await child.exited).toBe(0);
    } finally {
      child.kill("SIGKILL");
    }
  });
});
