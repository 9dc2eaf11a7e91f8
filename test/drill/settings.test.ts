/**
 * Settings whose effect no other test shows: the whole product is started with one value and with another, and what a
 * user sees differs. test/integration/config/settings-effects.ts has the list.
 */
import { afterEach, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readlinkSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { freePort } from "../support/ports/free-port.ts";
import { Product, Scripted, until } from "./fixture.ts";

const open: { end?(): unknown; stop?(): unknown }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((each) => each.end?.() ?? each.stop?.()));
});

async function scripted(): Promise<Scripted> {
  const server = await new Scripted().start();
  open.push(server);
  return server;
}

async function start(settings: Readonly<Record<string, string>>, servers = 1, stdout?: "pipe"): Promise<Product> {
  const fleet = await Promise.all(Array.from({ length: servers }, scripted));
  const urls = fleet.map(({ port }) => `http://127.0.0.1:${port}`).join(",");
  const product = new Product({ SERVERS: urls, WORKERS: "1", ...settings }, { stdout });
  open.push(product);
  return product.ready();
}

/** One request on a connection of its own. */
async function ask(port: number, path = "/", init: RequestInit = {}, host = "127.0.0.1"): Promise<Response> {
  return fetch(`http://${host}:${port}${path}`, { ...init, keepalive: false, headers: { connection: "close" } });
}

/** Ports on which nobody else listens, on no address. */
const ownPorts = () => ({ APP_PORT: String(freePort()), ADMIN_PORT: String(freePort()) });

const refuses = async (host: string, port: number): Promise<boolean> => {
  const socket = connect(port, host);
  const { promise, resolve } = Promise.withResolvers<boolean>();
  socket.once("connect", () => resolve(false));
  socket.once("error", () => resolve(true));
  const refused = await promise;
  socket.destroy();
  return refused;
};

describe("the process", () => {
  test("APP_ENV is named at start", async () => {
    for (const name of ["development", "production"]) {
      const product = await start({ APP_ENV: name });
      expect(product.said("neurabalancer starts")).toMatchObject({ environment: name });
    }
  });

  test.skipIf(process.platform !== "linux")("APP_HOST and ADMIN_HOST are where it listens", async () => {
    const product = await start({ APP_HOST: "127.0.0.2", ADMIN_HOST: "127.0.0.1", ...ownPorts() });
    const adminPort = product.said("admin API listens")?.port as number;
    expect(await refuses("127.0.0.2", product.port)).toBe(false);
    expect(await refuses("127.0.0.1", product.port)).toBe(true);
    expect(await refuses("127.0.0.1", adminPort)).toBe(false);
    expect(await refuses("127.0.0.2", adminPort)).toBe(true);
    const elsewhere = { ADMIN_HOST: "127.0.0.3", WORKERS: "1", ...ownPorts() };
    const server = new Product({ SERVERS: "http://127.0.0.1:1", ...elsewhere });
    open.push(server);
    await until(() => server.said("admin API listens"));
    expect(await refuses("127.0.0.3", server.said("admin API listens")?.port as number)).toBe(false);
    expect(await refuses("127.0.0.1", server.said("admin API listens")?.port as number)).toBe(true);
  });

  test("ADMIN_PORT=0 opens none", async () => {
    const product = new Product({ SERVERS: "http://127.0.0.1:1", ADMIN_PORT: "0", WORKERS: "1" });
    open.push(product);
    await until(() => product.said("balancing over"));
    expect(product.said("admin API listens")).toBeUndefined();
  });

  test.skipIf(process.platform !== "linux")("NATIVE_SOCKETS is whose sockets a worker has", async () => {
    const pollers = async (value: string) => {
      const product = await start({ NATIVE_SOCKETS: value });
      await ask(product.port);
      const [{ pid }] = (await product.status()).workers;
      return readdirSync(`/proc/${pid}/fd`).filter((fd) => linkOf(pid, fd).includes("eventpoll")).length;
    };
    // Ours is one epoll instance more than the runtime's.
    expect(await pollers("on")).toBe((await pollers("off")) + 1);
  });

  test("SHUTDOWN_GRACE_SECONDS takes new requests for a while, with readiness failing", async () => {
    const graceful = await start({ SHUTDOWN_GRACE_SECONDS: "60", SHUTDOWN_TIMEOUT_SECONDS: "90" });
    graceful.process.kill("SIGTERM");
    await until(() => graceful.said("stopping"));
    expect(graceful.said("stopping")).toMatchObject({ grace_ms: 60_000 });
    await until(async () => (await ask(graceful.port, "/health/ready")).status === 503);
    expect((await ask(graceful.port)).status).toBe(200);
    graceful.process.kill("SIGINT"); // who insists does not wait for it
    await until(() => graceful.process.exitCode !== null);
    const hasty = await start({ SHUTDOWN_GRACE_SECONDS: "0", ...ownPorts() });
    hasty.process.kill("SIGTERM");
    await until(() => hasty.process.exitCode !== null);
    expect(await refuses("127.0.0.1", hasty.port)).toBe(true);
  });

  test("LOG_LEVEL and LOG_FORMAT hold in every process, and after a reload", async () => {
    const product = await start({ LB_STRATEGY: "ml", DATA_DIR: "data" });
    /** Lines of text by that process. */
    const text = (name: string) =>
      product.stderr.split("\n").filter((line) => new RegExp(`^\\[[^\\]]+\\] [A-Z]+: ${name}: `).test(line));
    const order = (name: string) =>
      product.admin(`/api/v1/ml/${name}`, {
        method: "POST",
        body: "{}",
        headers: { "content-type": "application/json" },
      });
    await until(async () => (await order("pause")).status === 200);
    await until(() => product.lines.some(({ process: name, msg }) => name === "learner" && msg.includes("paused")));
    expect(product.stderr).not.toMatch(/^\[/m);

    product.configure({ LOG_FORMAT: "text" });
    product.process.kill("SIGHUP");
    await until(() => text("supervisor").some((line) => line.includes("is in force")));
    expect((await order("resume")).status).toBe(200);
    await until(() => text("learner").some((line) => line.includes("resumed")));
    product.process.kill("SIGKILL");
    await until(() => text("worker-0").some((line) => line.includes("the supervisor is gone")));

    const quiet = await start({});
    const take = async (settings: Readonly<Record<string, string>>) => {
      const taken = () => quiet.status().then(({ reloads }) => reloads.success);
      const before = await taken();
      quiet.configure(settings);
      quiet.process.kill("SIGHUP");
      await until(async () => (await taken()) > before);
    };
    await take({ LOG_LEVEL: "error" });
    const before = quiet.lines.length;
    await take({ LB_STRATEGY: "p2c" });
    await until(async () => ((await quiet.status()) as { strategy?: string }).strategy === "p2c");
    const [{ pid }] = (await quiet.status()).workers;
    quiet.process.kill("SIGKILL");
    await until(() => !existsSync(`/proc/${pid}`));
    expect(quiet.lines.slice(before)).toEqual([]);
    expect(quiet.stderr).not.toContain("the supervisor is gone");
  });
});

describe("what is written", () => {
  test("ACCESS_LOG=off writes no line", async () => {
    for (const [value, lines] of [
      ["on", 3],
      ["off", 0],
    ] as const) {
      const product = await start({ ACCESS_LOG: value }, 1, "pipe");
      for (let i = 0; i < 3; i++) expect((await ask(product.port)).status).toBe(200);
      product.process.kill("SIGTERM");
      const written = await new Response(product.process.stdout as ReadableStream).text();
      expect(written.split("\n").filter((line) => line.includes('"path":"/"'))).toHaveLength(lines);
    }
  });
});

describe("the fleet", () => {
  test("LB_STRATEGY chooses the server", async () => {
    const chosen = async (settings: Readonly<Record<string, string>>) => {
      const product = await start({ HEALTH_CHECK_ENABLED: "false", ...settings }, 2);
      const instances = [];
      for (let i = 0; i < 8; i++) instances.push((await ask(product.port)).headers.get("x-instance"));
      return instances;
    };
    const inTurn = await chosen({ LB_STRATEGY: "round_robin" });
    expect(new Set(inTurn).size).toBe(2);
    for (let i = 2; i < inTurn.length; i++) expect(inTurn[i]).toBe(inTurn[i - 2]);
    expect(new Set(await chosen({ LB_STRATEGY: "consistent_hash" })).size).toBe(1);
  });

  test("checks and polls ask what they are told to ask", async () => {
    const heads: string[] = [];
    const server = await listener((socket) =>
      socket.on("data", (data) => {
        heads.push(data.toString("latin1"));
        socket.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
      }),
    );
    const product = new Product({
      SERVERS: `http://127.0.0.1:${server.port}`,
      WORKERS: "1",
      METRICS_POLL_ENABLED: "true",
      METRICS_POLL_PATH: "/load",
      HEALTH_CHECK_PATH: "/up?deep=1",
      HEALTH_CHECK_HOST: "app.example",
      HEALTH_CHECK_HEADERS: "X-Probe: yes; Authorization: Bearer hunter2",
    });
    open.push(product);
    await product.ready();
    await until(() => heads.some((head) => head.startsWith("GET /load ")));
    for (const path of ["/up?deep=1", "/load"]) {
      const head = heads.find((one) => one.startsWith(`GET ${path} HTTP/1.1\r\n`)) ?? "";
      expect(head.split("\r\n")).toContain("Host: app.example");
      expect(head.split("\r\n")).toContain("X-Probe: yes");
      expect(head.split("\r\n")).toContain("Authorization: Bearer hunter2");
    }
    expect(JSON.stringify(await product.status())).not.toContain("hunter2");
    expect(product.stderr).not.toContain("hunter2");

    await product.reload({ HEALTH_CHECK_HOST: "other.example", HEALTH_CHECK_PATH: "/else" });
    await until(() => heads.some((head) => head.startsWith("GET /else ") && head.includes("Host: other.example")));
  });

  test("HEALTH_CHECK_ENABLED=false asks nobody", async () => {
    const asked = async (value: string) => {
      let connections = 0;
      const server = await listener((socket) => {
        connections++;
        socket.end("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
      });
      const product = new Product({ SERVERS: `http://127.0.0.1:${server.port}`, HEALTH_CHECK_ENABLED: value });
      open.push(product);
      await product.ready();
      return connections;
    };
    // Ready means that every server has been checked, where they are.
    expect(await asked("true")).toBeGreaterThan(0);
    expect(await asked("false")).toBe(0);
  });

  test("UPSTREAM_MAX_IDLE=0 keeps no connection to a server", async () => {
    for (const [value, connects] of [
      ["256", 1],
      ["0", 3],
    ] as const) {
      const product = await start({ UPSTREAM_MAX_IDLE: value, UPSTREAM_IDLE_TIMEOUT_MS: "600000" });
      for (let i = 0; i < 3; i++) expect((await ask(product.port)).status).toBe(200);
      await until(async () => (await product.metric("upstream_connects_total")) >= connects);
      expect(await product.metric("upstream_connects_total")).toBe(connects);
    }
  });
});

describe("clients", () => {
  test("MAX_BODY_BYTES refuses what is longer", async () => {
    const product = await start({ MAX_BODY_BYTES: "10" });
    const post = async (bytes: number) =>
      (await ask(product.port, "/", { method: "POST", body: "x".repeat(bytes) })).status;
    expect([await post(10), await post(11)]).toEqual([200, 413]);
    await product.reload({ MAX_BODY_BYTES: "0" });
    await until(async () => (await post(11)) === 200);
  });

  test("MAX_CONNECTIONS_PER_CLIENT counts over all workers", async () => {
    const product = await start({ MAX_CONNECTIONS_PER_CLIENT: "4", WORKERS: "2" });
    const sockets = Array.from({ length: 12 }, () => connect(product.port, "127.0.0.1"));
    try {
      const answers = await Promise.all(
        sockets.map(
          (socket) =>
            new Promise<string>((resolve) => {
              socket.on("error", () => resolve("reset"));
              socket.once("data", (data) => resolve(data.toString("latin1").split(" ")[1]));
              socket.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
            }),
        ),
      );
      expect(answers.filter((status) => status === "200").length).toBe(4);
    } finally {
      for (const socket of sockets) socket.destroy();
    }
  });
});

/** A server of our own that hands out its connections. */
async function listener(serve: (socket: Socket) => void): Promise<{ readonly port: number }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    serve(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const stop = () => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  };
  open.push({ stop });
  return { port: (server.address() as AddressInfo).port };
}

function linkOf(pid: number, fd: string): string {
  try {
    return readlinkSync(`/proc/${pid}/fd/${fd}`);
  } catch {
    return ""; // closed meanwhile
  }
}
