/** Connections that break in every phase, on every kind of socket: a worker keeps no descriptor, no count, no place. */
import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSelfSigned } from "../../support/certificates.ts";
import { Backend, cleanUp, get, ok } from "../../support/proxy-harness.ts";
import { Wire } from "../../support/wire.ts";
import { Product, serversOn, until } from "../fixture.ts";

const directory = mkdtempSync(join(tmpdir(), "nb-descriptors-"));
afterAll(() => {
  cleanUp();
  rmSync(directory, { recursive: true, force: true });
});

/**
 * Sockets of a process, but those to the supervisor, which are kept for the next question: a descriptor whose connection is
 * broken is in no other list of the system (proc(5)).
 */
function networkSockets(pid: number): number {
  const local = new Set(
    readFileSync("/proc/net/unix", "latin1")
      .split("\n")
      .map((line) => line.split(/\s+/)[6]),
  );
  return readdirSync(`/proc/${pid}/fd`).filter((fd) => {
    const inode = /^socket:\[(\d+)\]$/.exec(linkOf(`/proc/${pid}/fd/${fd}`))?.[1];
    return inode !== undefined && !local.has(inode);
  }).length;
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return ""; // closed meanwhile
  }
}

const UPGRADE = get("/tunnel", "Connection: upgrade\r\nUpgrade: x\r\n");
const post = (path: string, length: number): string => get(path, `Content-Length: ${length}\r\n`, "POST");

/** Does what the path says; health checks get 200. */
const servers = (): Promise<Backend> =>
  Backend.start(async (server) => {
    for (;;) {
      const { startLine } = await server.head();
      const path = startLine.split(" ")[1];
      if (path === "/slow") {
        await Bun.sleep(100);
        await server.send(ok());
      } else if (path === "/large") {
        await server.send("HTTP/1.1 200 OK\r\nContent-Length: 20000000\r\n\r\n");
        await server.pump(Buffer.alloc(20_000_000));
      } else if (path === "/tunnel") {
        await server.send("HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n");
        await server.pump(Buffer.alloc(3_000_000));
      } else if (path === "/reset") return server.reset();
      else if (path === "/reset-in-answer") {
        await server.send("HTTP/1.1 200 OK\r\n\r\nhalf");
        await Bun.sleep(10);
        return server.reset();
      } else if (path === "/deaf") {
        server.socket.pause();
        return;
      } else await server.send(ok("fine"));
    }
  });

/** What a client does before it resets; `paused` = it does not read meanwhile. */
const PHASES: readonly { readonly packets: readonly (string | Buffer)[]; readonly paused?: boolean }[] = [
  { packets: [] },
  { packets: ["GET / HT"] },
  { packets: [get()] },
  { packets: [get("/slow")] },
  { packets: [get("/large")] },
  { packets: [get("/large")], paused: true },
  { packets: [post("/deaf", 30_000_000), Buffer.alloc(8_000_000)], paused: true },
  { packets: [post("/", 1000), "some"] },
  { packets: [UPGRADE, "hello"] },
  { packets: [UPGRADE, "hello"], paused: true },
  { packets: [get("/metrics")] },
  { packets: [get("/health/live").repeat(20)] },
  { packets: [get("/large") + get().repeat(2000)], paused: true },
  { packets: [get("/reset")] },
  { packets: [get("/reset-in-answer")] },
  { packets: ["rubbish\r\n\r\n"] },
];

const KINDS = [
  { kind: "our own", settings: {} as Record<string, string>, tls: false },
  { kind: "the runtime's", settings: { NATIVE_SOCKETS: "off" }, tls: false },
  { kind: "TLS", settings: { certificates: "1" }, tls: true },
  { kind: "TLS with two certificates", settings: { certificates: "2" }, tls: true },
];

describe.if(process.platform === "linux").each(KINDS)("on sockets: $kind", ({ settings, tls }) => {
  async function start(): Promise<{ product: Product; pid: number; connect: () => Promise<Wire> }> {
    const { certificates = "0", ...rest } = settings;
    const names = ["a.test", "b.test"].slice(0, Number(certificates));
    const files = names.map((name) => {
      const { cert, key } = createSelfSigned(`DNS:${name}`);
      writeFileSync(join(directory, `${name}.pem`), cert);
      writeFileSync(join(directory, `${name}.key`), key);
      return join(directory, name);
    });
    const product = await new Product({
      SERVERS: serversOn(await servers()),
      WORKERS: "1",
      ACCESS_LOG: "off",
      UPSTREAM_IDLE_TIMEOUT_MS: "100",
      HEALTH_CHECK_INTERVAL_SECONDS: "60",
      OUTLIER_EJECTION: "off",
      ...(tls && {
        TLS_PORT: "0",
        TLS_CERT_FILE: files.map((file) => `${file}.pem`).join(","),
        TLS_KEY_FILE: files.map((file) => `${file}.key`).join(","),
      }),
      ...rest,
    }).ready();
    const [{ pid }] = (await product.status()).workers;
    const port = tls ? (product.said("balancing over")?.tls_port as number) : product.port;
    return { product, pid, connect: () => (tls ? Wire.connectTls(port) : Wire.connect(port)) };
  }

  async function nothingStays(product: Product, pid: number, before: number): Promise<void> {
    await until(async () => (await product.metric("connections_open")) === 0);
    await until(async () => (await product.inFlight()) === 0);
    await until(() => networkSockets(pid) <= before);
    expect(await product.metric("internal_errors_total")).toBe(0);
  }

  test("resets of clients in every phase, and of servers", async () => {
    const { product, pid, connect } = await start();
    try {
      (await connect()).destroy();
      await until(async () => (await product.metric("connections_open")) === 0);
      await Bun.sleep(300);
      const before = networkSockets(pid);
      for (let round = 0; round < 6; round++) {
        const clients: Wire[] = [];
        for (const { packets, paused = false } of PHASES) {
          for (let i = 0; i < 4; i++) {
            const client = await connect();
            if (paused) client.socket.pause();
            void client.send(...packets);
            clients.push(client);
          }
        }
        await Bun.sleep(round * 25);
        for (const client of clients) client.reset();
      }
      await nothingStays(product, pid, before);
    } finally {
      await product.end();
    }
  }, 180_000);

  test("answers and resets that pile up while the worker stands still", async () => {
    const { product, pid, connect } = await start();
    try {
      (await connect()).destroy();
      await Bun.sleep(300);
      const before = networkSockets(pid);
      for (let round = 0; round < 2; round++) {
        const clients = await Promise.all(Array.from({ length: 100 }, connect));
        for (const [i, client] of clients.entries()) {
          await client.send(get(["/slow", "/large", "/metrics", "/"][i % 4]));
        }
        await Bun.sleep(30);
        process.kill(pid, "SIGSTOP");
        await Bun.sleep(150); // the servers answer
        for (const [i, client] of clients.entries()) {
          if (i % 3 === 0) await client.send(get("/health/live"));
          client.reset();
        }
        await Bun.sleep(50);
        process.kill(pid, "SIGCONT");
        await nothingStays(product, pid, before);
      }
    } finally {
      process.kill(pid, "SIGCONT");
      await product.end();
    }
  }, 180_000);
});
