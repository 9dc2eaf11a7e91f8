import { describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spawnSync } from "../../../support/processes.ts";
import { isAlive, until } from "../processes/fixture.ts";
import { FakeSupervisor } from "./fixture.ts";

describe("signals", () => {
  test.each(["SIGTERM", "SIGINT"] as const)(
    "%s: readiness fails, workers drain, exit 0, nothing is left",
    async (signal) => {
      await using supervisor = await new FakeSupervisor({ SHUTDOWN_GRACE_SECONDS: "2" }).started();
      const { workers } = await supervisor.status();
      expect(workers.map((w) => w.state)).toEqual(["ready", "ready"]);
      expect(supervisor.runtimeDirectories().length).toBe(1);
      supervisor.process.kill(signal);
      await until(() => supervisor.said("stopping"));
      expect(await (await supervisor.get("/health/ready")).json()).toMatchObject({ status: "draining" });
      expect(supervisor.journal().some((m) => m.type === "drain")).toBe(false); // still within the grace
      expect(await supervisor.exit()).toBe(0);
      await until(() => supervisor.said("stopped: all requests are finished"));
      expect(supervisor.journal().filter((m) => m.type === "drain").length).toBe(2);
      expect(workers.some((w) => isAlive(w.pid))).toBe(false);
      expect(supervisor.runtimeDirectories()).toEqual([]);
    },
  );

  test("a worker that does not finish in time is ended, and the exit is still 0", async () => {
    await using supervisor = await new FakeSupervisor({ SHUTDOWN_TIMEOUT_SECONDS: "0.2" }, "never-drains").started();
    const { workers } = await supervisor.status();
    supervisor.process.kill("SIGTERM");
    expect(await supervisor.exit()).toBe(0);
    expect(supervisor.said("not all requests finished")?.workers).toBe(2);
    expect(workers.some((w) => isAlive(w.pid))).toBe(false);
  });

  test("the same signal twice at once, as Ctrl-C under npm, is one; later it insists", async () => {
    await using supervisor = await new FakeSupervisor({ SHUTDOWN_TIMEOUT_SECONDS: "60" }, "never-drains").started();
    supervisor.process.kill("SIGINT");
    supervisor.process.kill("SIGINT");
    await until(() => supervisor.said("stopping"));
    await Bun.sleep(1100);
    expect(supervisor.process.exitCode).toBeNull();
    supervisor.process.kill("SIGINT");
    expect(await supervisor.exit()).toBe(130);
  });

  test("closing the terminal that it was started in stops it; SIGHUP alone does not", async () => {
    await using supervisor = await new FakeSupervisor({}, "normal", { terminal: true }).started();
    supervisor.process.kill("SIGHUP");
    await until(() => supervisor.said("the new configuration is in force"));
    supervisor.closeTerminal();
    expect(await supervisor.exit()).toBe(0);
    expect(supervisor.journal().filter((m) => m.type === "drain").length).toBe(2);
    expect(supervisor.runtimeDirectories()).toEqual([]);
  });

  test("the second signal ends it at once", async () => {
    await using supervisor = await new FakeSupervisor({ SHUTDOWN_TIMEOUT_SECONDS: "60" }, "never-drains").started();
    const { workers } = await supervisor.status();
    supervisor.process.kill("SIGTERM");
    await until(() => supervisor.said("stopping"));
    supervisor.process.kill("SIGINT");
    expect(await supervisor.exit()).toBe(130);
    await until(() => !workers.some((w) => isAlive(w.pid)));
    expect(supervisor.runtimeDirectories()).toEqual([]);
  });
});

describe("a start that fails", () => {
  test("says what the worker said, and exits with 1", async () => {
    await using supervisor = new FakeSupervisor({}, "failed");
    expect(await supervisor.exit()).toBe(1);
    await until(() => supervisor.said("cannot listen on port 0: it is in use"));
    expect(supervisor.runtimeDirectories()).toEqual([]);
  });

  test("names the port that another process has, even one that would share it", async () => {
    using other = Bun.serve({ hostname: "127.0.0.1", port: 0, reusePort: true, fetch: () => new Response() });
    await using supervisor = new FakeSupervisor({ APP_PORT: String(other.port) });
    expect(await supervisor.exit()).toBe(1);
    await until(() => supervisor.said(`APP_PORT=${other.port}: it is in use by another process`));
    expect(supervisor.journal()).toEqual([]);
  });

  test("names the admin port that another process has", async () => {
    using other = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response() });
    await using supervisor = new FakeSupervisor({ ADMIN_PORT: String(other.port) });
    expect(await supervisor.exit()).toBe(1);
    await until(() => supervisor.said(`ADMIN_PORT=${other.port}: it is in use`));
    expect(supervisor.runtimeDirectories()).toEqual([]);
  });
});

test("a start without any server is a warning that says which names have no address", async () => {
  await using supervisor = await new FakeSupervisor({ SERVERS: "http://one.invalid,http://two.invalid:81" }).started();
  const line = supervisor.said("balancing over 0 servers");
  expect(line).toMatchObject({ level: "warn", unresolved: ["one.invalid", "two.invalid"] });
  expect(line?.message).toContain("no address is known yet for one.invalid, two.invalid");
});

describe("SIGHUP", () => {
  test("takes over settings, servers, number of workers and log level, without restarting a worker", async () => {
    await using supervisor = await new FakeSupervisor().started();
    const before = (await supervisor.status()).workers;
    supervisor.configure({
      LB_STRATEGY: "p2c",
      SERVERS: "http://127.0.0.1:1,http://127.0.0.1:2",
      WORKERS: "3",
      APP_PORT: "1234",
    });
    supervisor.process.kill("SIGHUP");
    await until(() => supervisor.said("the new configuration is in force"));
    await until(async () => (await supervisor.status()).workers.map((w) => w.state).join() === "ready,ready,ready");
    const { workers, strategy, settings, reloads } = await supervisor.status();
    expect(workers.slice(0, 2).map((w) => w.pid)).toEqual(before.map((w) => w.pid));
    expect([strategy, settings.LB_STRATEGY.value, reloads.success]).toEqual(["p2c", "p2c", 1]);
    expect(await (await supervisor.get("/api/v1/servers")).json()).toMatchObject([
      { id: 1, url: "http://127.0.0.1:1" },
      { id: 2, url: "http://127.0.0.1:2" },
    ]);
    expect(supervisor.said("a restart is needed")?.settings).toEqual(["APP_PORT"]);
    await until(() => supervisor.journal().filter((m) => m.type === "settings").length === 2);
    const sent = supervisor.journal().flatMap((m) => (m.type === "settings" ? [m.settings] : []));
    expect(sent.map((s) => [s.pools[0].strategy, s.listeners[0].port])).toEqual([
      ["p2c", 4321],
      ["p2c", 4321],
    ]);
    const announced = supervisor.journal().flatMap((m) => (m.type === "settings" ? [m.endpoints.length] : []));
    expect(announced.at(-1)).toBe(2);

    supervisor.configure({ WORKERS: "1", LOG_LEVEL: "error" });
    supervisor.process.kill("SIGHUP");
    await until(async () => (await supervisor.status()).workers.length === 1);
    expect((await supervisor.status()).workers[0].pid).toBe(before[0].pid);
    expect(supervisor.lines.filter((l) => l.message.includes("is in force")).length).toBe(1); // the second is below the level
  });

  test("that comes while it starts is not lost", async () => {
    await using supervisor = new FakeSupervisor({}, "waits");
    await until(() => supervisor.journal().some((m) => m.type === "start") && supervisor.said("admin API listens"));
    supervisor.configure({ LB_STRATEGY: "p2c" });
    supervisor.process.kill("SIGHUP");
    expect((await supervisor.status()).strategy).toBe("least_connections"); // it has been noticed meanwhile
    supervisor.letWorkersStart();
    await until(() => supervisor.said("the new configuration is in force"));
    expect((await supervisor.status()).strategy).toBe("p2c");
  });

  test("every problem of a wrong configuration is logged, and the old one stays", async () => {
    await using supervisor = await new FakeSupervisor().started();
    supervisor.configure({ LB_STRATEGY: "magic", IDLE_TIMEOUT_MS: "soon" });
    supervisor.process.kill("SIGHUP");
    await until(() => supervisor.said("the new configuration is rejected"));
    expect(supervisor.said("LB_STRATEGY")).toBeDefined();
    expect(supervisor.said("IDLE_TIMEOUT_MS")).toBeDefined();
    const { strategy, degraded, reloads } = await supervisor.status();
    expect([strategy, reloads.failure]).toEqual(["least_connections", 1]);
    expect(degraded).toContain("configuration");
    const metrics = await (await supervisor.get("/metrics")).text();
    expect(metrics).toContain('neurabalancer_config_reloads_total{result="failure"} 1\n');
    expect(metrics).toContain('neurabalancer_degraded{mode="configuration"} 1\n');

    supervisor.configure({ LB_STRATEGY: "random", IDLE_TIMEOUT_MS: "1000" });
    supervisor.process.kill("SIGHUP");
    await until(() => supervisor.said("the new configuration is in force"));
    expect((await supervisor.status()).degraded).not.toContain("configuration");
  });
});

test("metrics never run backwards over a worker's death", async () => {
  await using supervisor = await new FakeSupervisor({ WORKERS: "1" }).started();
  const read = async () => (await (await supervisor.get("/metrics")).text()).split("\n");
  const { workers } = await supervisor.status();
  expect(await read()).toContain("neurabalancer_connections_open 4");
  process.kill(workers[0].pid, "SIGKILL");
  await until(async () => (await read()).includes('neurabalancer_worker_restarts_total{reason="exit"} 1'));
  await until(async () => (await read()).includes("neurabalancer_workers_ready 1"));
  expect(await read()).toContain("neurabalancer_connections_open 4"); // the new worker's, not eight
});

describe("certificates", () => {
  /** Writes a self-signed certificate and its key. */
  function issue(directory: string, name: string): void {
    const files = ["-keyout", `${directory}/key.pem`, "-out", `${directory}/cert.pem`];
    const subject = ["-subj", `/CN=${name}`, "-addext", `subjectAltName=DNS:${name}`, "-days", "30"];
    const cmd = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
    const { exitCode, stderr } = spawnSync({ cmd: [...cmd, ...files, ...subject], stderr: "pipe" });
    if (exitCode !== 0) throw new Error(stderr.toString());
  }

  test("are sent to the workers when their files were replaced, and not before key and certificate fit", async () => {
    const directory = mkdtempSync(join(tmpdir(), "nb-certificates-"));
    issue(directory, "old.example");
    const settings = { TLS_PORT: "0", TLS_CERT_FILE: `${directory}/cert.pem`, TLS_KEY_FILE: `${directory}/key.pem` };
    await using supervisor = await new FakeSupervisor(settings).started();
    const sent = () =>
      supervisor.journal().flatMap((m) => (m.type === "settings" ? [m.settings.tls?.certificates] : []));
    const key = readFileSync(`${directory}/key.pem`, "utf8");

    // Beside them: at no time they are there as a pair.
    const next = join(directory, "next");
    mkdirSync(next);
    issue(next, "new.example");
    const newKey = readFileSync(`${next}/key.pem`, "utf8");
    renameSync(`${next}/cert.pem`, `${directory}/cert.pem`);
    await until(() => supervisor.said("changed certificates are not used"));
    expect((await supervisor.status()).degraded).toContain("certificates");
    const early = sent().length;
    expect(sent().some((certificates) => certificates?.[0].keyPem === key)).toBe(false);

    writeFileSync(`${directory}/key.pem`, newKey);
    await until(() => sent().length >= early + 2);
    expect(sent().at(-1)?.[0].names).toEqual(["new.example"]);
    expect((await supervisor.status()).degraded).not.toContain("certificates");
    const expiry = /tls_certificate_expiry_seconds\{name="new.example"\} (\d+)/.exec(
      await (await supervisor.get("/metrics")).text(),
    );
    expect(Number(expiry?.[1]) * 1000).toBeGreaterThan(Date.now() + 29 * 86_400_000);
    rmSync(directory, { recursive: true });
  });
});

test("removes what a killed instance left behind, and nothing of a living one", async () => {
  await using dead = await new FakeSupervisor().started();
  await using living = await new FakeSupervisor().started();
  expect(dead.runtimeDirectories().length).toBe(1);
  dead.process.kill("SIGKILL");
  await dead.exit();
  await using _next = await new FakeSupervisor().started(); // if no instance of another test was first
  expect(dead.runtimeDirectories()).toEqual([]);
  expect(living.runtimeDirectories().length).toBe(1);
});
