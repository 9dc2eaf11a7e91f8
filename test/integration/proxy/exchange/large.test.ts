/**
 * Much of everything, through the real processes: large bodies keep their hash and need no memory, slow peers slow only
 * themselves, and idle connections are cheap. `NEURABALANCER_TEST_BODY_MB=1024` makes the large bodies 1 GB.
 */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createHash } from "node:crypto";
import { closeSync, constants, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Product, serversOn } from "../../../drill/fixture.ts";
import { spawnSync } from "../../../support/processes.ts";
import { Backend, cleanUp, eventually, get, ok } from "../../../support/proxy-harness.ts";
import { singleValue, Wire } from "../../../support/wire.ts";

const BODY_MB = Number(process.env.NEURABALANCER_TEST_BODY_MB ?? 64);
const PIECE = Buffer.alloc(1_000_000);
for (let i = 0; i < PIECE.length; i += 4) PIECE.writeUInt32LE(Math.imul(i, 2_654_435_761) >>> 0, i);
const EXPECTED = (() => {
  const hash = createHash("sha256");
  for (let i = 0; i < BODY_MB; i++) hash.update(PIECE);
  return hash.digest("hex");
})();

setDefaultTimeout(Math.max(30_000, BODY_MB * 300));

let backend: Backend;
let product: Product;
let workers: number[];

/** Sends the large body. */
async function pumpAll(wire: Wire): Promise<void> {
  for (let i = 0; i < BODY_MB; i++) await wire.pump(PIECE, PIECE.length);
}

/** Takes the large body piece by piece and returns its hash. */
async function takeAll(wire: Wire): Promise<string> {
  const hash = createHash("sha256");
  for (let i = 0; i < BODY_MB; i++) hash.update(await wire.take(PIECE.length, 30_000));
  return hash.digest("hex");
}

beforeAll(async () => {
  backend = await Backend.start(async (server) => {
    for (;;) {
      const { startLine, fields } = await server.head();
      const path = startLine.split(" ")[1];
      if (path === "/down") {
        await server.send(`HTTP/1.1 200 OK\r\nContent-Length: ${BODY_MB * PIECE.length}\r\n\r\n`);
        await pumpAll(server);
      } else if (path === "/up") await server.send(ok(await takeAll(server)));
      else if (path === "/deaf") {
        server.socket.pause();
        return;
      } else await server.send(ok(fields.length > 0 ? "ok" : ""));
    }
  });
  product = await new Product({
    SERVERS: serversOn(backend),
    ACCESS_LOG: "off",
    RESPONSE_BODY_TIMEOUT_MS: "60000",
    HEALTH_CHECK_PATH: "/health",
  }).ready();
  workers = (await product.status()).workers.map(({ pid }) => pid);
});

afterAll(async () => {
  await product.end();
  cleanUp();
});

const connect = () => Wire.connect(product.port);

/** Resident memory of all workers, MB (proc_pid_status(5), VmRSS). */
function workersMb(): number {
  return workers.reduce((sum, pid) => {
    const kb = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return sum + Number(kb) / 1024;
  }, 0);
}

async function ask(path = "/"): Promise<number> {
  const client = await connect();
  await client.send(get(path));
  const { status } = await client.message();
  client.destroy();
  return status;
}

describe("large bodies", () => {
  test("down and up keep their hash", async () => {
    const client = await connect();
    await client.send(get("/down"));
    await client.head();
    expect(await takeAll(client)).toBe(EXPECTED);
    await client.send(get("/up", `Content-Length: ${BODY_MB * PIECE.length}\r\n`, "POST"));
    await pumpAll(client);
    expect((await client.message()).body.toString()).toBe(EXPECTED);
    client.destroy();
  });

  test("chunked, too", async () => {
    const client = await connect();
    await client.send(get("/up", "Transfer-Encoding: chunked\r\n", "POST"));
    // The server hashes the framed bytes: it reads what it is told to, whatever the coding says.
    const framed = createHash("sha256");
    const chunk = Buffer.concat([Buffer.from("f4240\r\n"), PIECE, Buffer.from("\r\n")]);
    let stream = Buffer.alloc(0);
    for (let sent = 0; sent < BODY_MB; sent++) {
      await client.pump(chunk, chunk.length);
      stream = Buffer.concat([stream, chunk]);
      framed.update(stream.subarray(0, PIECE.length));
      stream = stream.subarray(PIECE.length);
    }
    expect((await client.message()).body.toString()).toBe(framed.digest("hex"));
    client.destroy();
  });
});

describe.skipIf(process.platform !== "linux")("memory stays bounded", () => {
  /** What several bodies held back by a slow peer may cost, all workers together: sockets' pieces, not bodies. */
  const MOST_GROWTH_MB = 80;

  test("slow readers of large answers", async () => {
    await ask();
    const before = workersMb();
    const slow = await Promise.all(Array.from({ length: 4 }, connect));
    for (const client of slow) {
      await client.send(get("/down"));
      await client.until(() => client.received > 0);
      client.socket.pause();
    }
    await Bun.sleep(1500);
    expect(workersMb() - before).toBeLessThan(MOST_GROWTH_MB);
    // Meanwhile everyone else is served.
    for (let i = 0; i < 50; i++) expect(await ask()).toBe(200);
    for (const client of slow) expect(client.received).toBeLessThan(BODY_MB * PIECE.length);
    for (const client of slow) client.destroy();
    await eventually(() => backend.connections.filter(({ closed }) => !closed).length < 40);
  });

  test("large uploads to a server that does not read", async () => {
    const before = workersMb();
    const clients = await Promise.all(Array.from({ length: 4 }, connect));
    for (const client of clients) {
      await client.send(get("/deaf", `Content-Length: ${BODY_MB * PIECE.length}\r\n`, "POST"));
      void pumpAll(client).catch(() => {});
    }
    await Bun.sleep(1500);
    expect(workersMb() - before).toBeLessThan(MOST_GROWTH_MB);
    expect(await ask()).toBe(200);
    for (const client of clients) client.destroy();
  });

  test("thousands of idle connections cost little, and all still work", async () => {
    const before = workersMb();
    const idle: Wire[] = [];
    for (let batch = 0; batch < 20; batch++) idle.push(...(await Promise.all(Array.from({ length: 100 }, connect))));
    for (const client of idle) await client.send(get());
    for (const client of idle) expect((await client.message()).status).toBe(200);
    const perConnectionKb = ((workersMb() - before) * 1024) / idle.length;
    expect(perConnectionKb).toBeLessThan(40);
    for (let i = 0; i < 50; i++) expect(await ask()).toBe(200);
    for (const client of idle.slice(0, 100)) {
      await client.send(get("/again", "Connection: close\r\n"));
      expect(singleValue(await client.message(), "connection")).toBe("close");
    }
    for (const client of idle) client.destroy();
  });
});

describe("a log that nobody reads", () => {
  test("does not stall requests; what is lost is counted", async () => {
    const directory = mkdtempSync(join(tmpdir(), "neurabalancer-fifo-"));
    const fifo = join(directory, "log");
    spawnSync(["mkfifo", fifo]);
    const reader = openSync(fifo, constants.O_RDWR); // open, and never read
    const settings = { SERVERS: serversOn(backend), WORKERS: "1" };
    const stalled = await new Product(settings, { stdout: { path: fifo } }).ready();
    try {
      const client = await Wire.connect(stalled.port);
      const batch = get(`/${"x".repeat(8000)}`).repeat(100);
      for (let round = 0; round < 10; round++) {
        await client.send(batch);
        for (let i = 0; i < 100; i++) expect((await client.message()).status).toBe(200);
      }
      client.destroy();
      expect(await stalled.metric("access_log_dropped")).toBeGreaterThan(0);
    } finally {
      await stalled.end();
      closeSync(reader);
      rmSync(directory, { recursive: true, force: true });
    }
  });
});
