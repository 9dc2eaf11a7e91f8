/** Many idle connections and slow clients beside busy ones. 2,000 connections; 10,000 with E2E_LARGE=1. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { truncateSync, writeFileSync } from "node:fs";
import { Daemon, run, Scratch } from "../support/processes.ts";
import { until } from "../support/until.ts";
import { Product } from "./support/product.ts";
import { describeWith, pathOf } from "./support/programs.ts";
import { startNginx, type Upstream } from "./support/servers.ts";
import { HELLO, LARGE, writeSite } from "./support/site.ts";

const IDLE = process.env.E2E_LARGE === "1" ? 10_000 : 2000;
/** Connections that are opened at a time: fewer than wait to be accepted. */
const BATCH = 100;
/** What one idle connection may cost: a generous multiple of what it does. */
const BYTES_PER_CONNECTION_BOUND = 40_000;

/** A keep-alive connection whose first request was answered. */
function openIdle(port: number): Promise<Bun.Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Bun.Socket>();
  let answer = "";
  Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      open: (socket) => void socket.write("GET /hello.txt HTTP/1.1\r\nHost: a.example\r\n\r\n"),
      data: (socket, data) => {
        answer += data.toString("latin1");
        if (!answer.endsWith(HELLO)) return;
        if (answer.startsWith("HTTP/1.1 200 ")) resolve(socket);
        else reject(new Error(answer));
      },
      close: () => reject(new Error(`closed after: ${answer}`)),
      error: (_, error) => reject(error),
    },
  }).catch(reject);
  return promise;
}

async function timed(work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await work();
  return Math.round(performance.now() - start);
}

describeWith(["curl", "nginx"], "many clients", () => {
  const scratch = new Scratch();
  let nginx: Upstream;
  let product: Product;

  beforeAll(async () => {
    writeSite(scratch.file("root"));
    nginx = await startNginx(scratch.file("root"), scratch);
    product = await Product.start([nginx.url], { IDLE_TIMEOUT_MS: "600000" });
  });

  afterAll(async () => {
    await product?.stop();
    await nginx?.stop();
    scratch.remove();
  });

  async function answered(count: number, parallel: number): Promise<void> {
    const args = ["-sS", "--max-time", "60", "-Z", "--parallel-max", String(parallel), "-o", "/dev/null"];
    const url = `${product.url}/large.txt?[1-${count}]`;
    const { code, text, stderr } = await run([pathOf("curl"), ...args, "-w", "%{http_code} %{size_download}\n", url]);
    if (code !== 0) throw new Error(`curl ended with ${code}: ${stderr}`);
    expect(text.trim().split("\n")).toEqual(Array(count).fill(`200 ${LARGE.length}`));
  }

  /** Memory of the workers when it no longer falls: garbage of what went before is collected. */
  async function settledMemory(): Promise<number> {
    let last = product.workerMemory();
    for (let i = 0; i < 10; i++) {
      await Bun.sleep(700);
      const now = product.workerMemory();
      if (now > last - 1_000_000) return now;
      last = now;
    }
    return last;
  }

  test(`${IDLE} idle connections, and others are served`, async () => {
    const open = () => product.metric(/^neurabalancer_connections_open /);
    await answered(200, 50); // what is made on first use is there
    const before = await settledMemory();
    const idle: Bun.Socket[] = [];
    try {
      while (idle.length < IDLE) {
        idle.push(...(await Promise.all(Array.from({ length: BATCH }, () => openIdle(product.port)))));
      }
      expect(await open()).toBeGreaterThanOrEqual(IDLE);
      const each = ((await settledMemory()) - before) / IDLE;
      console.log(`${IDLE} idle connections: ${Math.round(each)} bytes each in the workers`);
      expect(each).toBeLessThan(BYTES_PER_CONNECTION_BOUND);
      await answered(200, 50);
      expect(await open()).toBeGreaterThanOrEqual(IDLE);
    } finally {
      for (const socket of idle) socket.terminate();
    }
    await until(async () => (await open()) < 20);
    await answered(50, 10);
  });

  test("clients that read and send 1 KB/s do not hold up 50 others", async () => {
    const endless = scratch.file("root/endless.bin");
    writeFileSync(endless, "");
    truncateSync(endless, 1_000_000_000);
    const slow = [pathOf("curl"), "-sS", "--limit-rate", "1K", "--max-time", "300"];
    const upload = scratch.file("root/large.txt");
    const inFlight = async () => (await product.servers())[0].active_connections;

    const aloneMs = await timed(() => answered(500, 50));
    const clients: Daemon[] = [];
    try {
      for (let i = 0; i < 4; i++) {
        clients.push(new Daemon([...slow, "-o", "/dev/null", `${product.url}/endless.bin`]));
        clients.push(new Daemon([...slow, "-T", upload, `${product.url}/up/slow-${i}`]));
      }
      await until(async () => (await inFlight()) === clients.length);
      const before = product.workerMemory();
      const besideMs = await timed(() => answered(500, 50));
      console.log(`500 answers to 50 clients: ${aloneMs} ms alone, ${besideMs} ms beside ${clients.length} slow ones`);
      expect(await inFlight()).toBe(clients.length);
      expect(clients.filter(({ process }) => process.exitCode !== null)).toEqual([]);
      expect(product.workerMemory() - before).toBeLessThan(200_000_000); // the 4 GB are not on their way to memory
    } finally {
      await Promise.all(clients.map((client) => client.stop()));
    }
    await until(async () => (await inFlight()) === 0);
  });

  test("nothing of it made the product complain", () => {
    expect(product.complaints()).toEqual([]);
  });
});
