/** A new instance takes over from the old one on the same ports: no client notices, and what fails leaves the old one as it was. */
import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSelfSigned } from "../support/certificates.ts";
import { endedAfterAll } from "../support/ended-after-all.ts";
import { Http2Wire } from "../support/http2/wire.ts";
import { freePort } from "../support/ports/free-port.ts";
import { singleValue, Wire } from "../support/wire.ts";
import {
  answer,
  figures,
  Load,
  type Outcome,
  Product,
  request,
  type Scripted,
  serversOn,
  startScripted,
  until,
} from "./fixture.ts";

const REPLACEMENTS = 10;
const LONG_MS = 400_000;

const open = endedAfterAll();

/** Instances on the same ports with the same directory, one after the other. */
class Succession {
  readonly port: number;
  readonly tlsPort: number;
  readonly servers: readonly Scripted[];
  readonly #directory = mkdtempSync(join(tmpdir(), "nb-take-over-"));
  readonly #settings: Readonly<Record<string, string>>;

  private constructor(servers: readonly Scripted[], ports: readonly number[], more: Readonly<Record<string, string>>) {
    this.servers = servers;
    [this.port, this.tlsPort] = ports;
    const { cert, key } = createSelfSigned("DNS:localhost");
    writeFileSync(join(this.#directory, "cert.pem"), cert);
    writeFileSync(join(this.#directory, "key.pem"), key);
    this.#settings = {
      SERVERS: serversOn(...servers),
      APP_PORT: `${this.port}`,
      TLS_PORT: `${this.tlsPort}`,
      TLS_CERT_FILE: join(this.#directory, "cert.pem"),
      TLS_KEY_FILE: join(this.#directory, "key.pem"),
      ADMIN_PORT: `${ports[2]}`,
      DATA_DIR: join(this.#directory, "data"),
      SHUTDOWN_TIMEOUT_SECONDS: "60",
      SHUTDOWN_GRACE_SECONDS: "3",
      ...more,
    };
  }

  static async begin(more: Readonly<Record<string, string>> = {}): Promise<Succession> {
    const servers = await startScripted(answer, answer);
    const begun = new Succession(servers, [freePort(), freePort(), freePort()], more);
    open.push(...servers, { remove: () => rmSync(begun.#directory, { recursive: true, force: true }) });
    return begun;
  }

  start(more: Readonly<Record<string, string>> = {}, ...flags: readonly string[]): Product {
    const command = [join(import.meta.dir, "../../bin/neurabalancer"), "serve", ...flags];
    const product = new Product({ ...this.#settings, ...more }, { command });
    open.push(product);
    return product;
  }
}

/** What became of the requests on kept connections. */
interface Tally {
  served: number;
  /** Connections that the balancer ended in order. */
  left: number;
  /** Ended while nothing was under way: a client that is slow to ask again meets it, and asks again elsewhere (RFC 9112 section 9.3.1). */
  idle: number;
  readonly failures: string[];
}

/** Asks again and again on connections that are kept as long as the balancer keeps them. */
class Keepers {
  readonly tally: Tally = { served: 0, left: 0, idle: 0, failures: [] };
  readonly #running: Promise<void>[] = [];
  #stopped = false;

  http1(connect: () => Promise<Wire>): void {
    this.#running.push(this.#keepAsking1(connect));
  }

  http2(connect: () => Promise<Http2Wire>): void {
    this.#running.push(this.#keepAsking2(connect));
  }

  async stop(): Promise<Tally> {
    this.#stopped = true;
    await Promise.all(this.#running);
    return this.tally;
  }

  async #keepAsking1(connect: () => Promise<Wire>): Promise<void> {
    const { tally } = this;
    let wire: Wire | null = null;
    let asked = 0;
    while (!this.#stopped) {
      try {
        if (wire === null) [wire, asked] = [await connect(), 0];
        await wire.send("GET / HTTP/1.1\r\nHost: drill\r\n\r\n");
        const answer = await wire.message();
        if (answer.status === 200) tally.served++;
        else tally.failures.push(`${answer.status}`);
        asked++;
        if (singleValue(answer, "connection") !== "close") continue;
        tally.left++;
        wire.destroy();
        wire = null;
      } catch (error) {
        if (asked > 0 && wire?.ended === "end") tally.idle++;
        else tally.failures.push(`${(error as Error).message} after ${asked}`);
        wire?.destroy();
        wire = null;
      }
    }
    wire?.destroy();
  }

  async #keepAsking2(connect: () => Promise<Http2Wire>): Promise<void> {
    const { tally } = this;
    let client: Http2Wire | null = null;
    while (!this.#stopped) {
      try {
        client ??= await connect();
        const id = client.request({});
        const { status } = await client.response(id);
        if (status === 200) tally.served++;
        else if (client.goaway !== null && client.goaway.lastStreamId < id) tally.idle++;
        else tally.failures.push(`HTTP/2: ${status}`);
      } catch (error) {
        tally.failures.push(`HTTP/2: ${(error as Error).message}`);
        client = null;
      }
      if (client === null || client.goaway === null) continue;
      tally.left++;
      client.close();
      client = null;
    }
    client?.close();
  }
}

/** As `request`, over TLS. */
async function secureRequest(port: number): Promise<Outcome> {
  const outcome = { complete: false, status: 0, body: "", instance: "", ms: 0, error: "" };
  try {
    const wire = await Wire.connectTls(port);
    await wire.send("GET / HTTP/1.1\r\nHost: drill\r\nConnection: close\r\n\r\n");
    const { status } = await wire.message();
    wire.destroy();
    return { ...outcome, status: Number(status), complete: true };
  } catch (error) {
    return { ...outcome, error: (error as Error).message };
  }
}

/** Replaces the instance so often, under load of all kinds. Gives who runs at the end. */
async function replaceUnderLoad(succession: Succession, times: number): Promise<Product> {
  const { port, tlsPort } = succession;
  let present = succession.start();
  await present.started();
  const fresh = new Load(300, (index) => (index % 3 === 0 ? secureRequest(tlsPort) : request(port)));
  const keepers = new Keepers();
  for (let i = 0; i < 4; i++) keepers.http1(() => Wire.connect(port));
  for (let i = 0; i < 2; i++) keepers.http1(() => Wire.connectTls(tlsPort));
  keepers.http2(() => Http2Wire.connect(port));
  keepers.http2(() => Http2Wire.connectTls(tlsPort));
  for (let i = 0; i < times; i++) {
    const next = succession.start({}, "--take-over");
    await next.started();
    await present.process.exited;
    expect(present.process.exitCode).toBe(0);
    await until(() => present.said("stopping"));
    expect(present.said("stopping")).toMatchObject({ handed_over: true, grace_ms: 0 });
    await until(() => next.said("all is taken over"));
    present = next;
  }
  const [seen, tally] = [await fresh.stop(), await keepers.stop()];
  figures(`take-over ×${times}`, seen, tally);
  expect(seen.why).toEqual({});
  expect(tally.failures).toEqual([]);
  expect(tally.left).toBeGreaterThan(0);
  return present;
}

describe("a new instance on the ports of the old one", () => {
  test(
    "ten replacements under load of new and kept connections, with TLS and HTTP/2: no request fails",
    async () => {
      const succession = await Succession.begin();
      const last = await replaceUnderLoad(succession, REPLACEMENTS);
      // What only one may have is its own by now.
      await until(() => last.said("the admin API listens"));
      expect((await last.status()).workers).toHaveLength(2);
    },
    LONG_MS,
  );

  test(
    "so it is with the runtime's sockets, and with another number of workers",
    async () => {
      const succession = await Succession.begin({ NATIVE_SOCKETS: "off", WORKERS: "3" });
      const last = await replaceUnderLoad(succession, 2);
      const keepers = new Keepers();
      for (let i = 0; i < 4; i++) keepers.http1(() => Wire.connect(succession.port));
      const fewer = succession.start({ NATIVE_SOCKETS: "on", WORKERS: "1" }, "--take-over");
      await fewer.started();
      await last.process.exited;
      // All three sockets are served by the one: whichever the kernel chooses for a connection.
      for (let i = 0; i < 20; i++) expect((await request(succession.port)).status).toBe(200);
      expect((await keepers.stop()).failures).toEqual([]);
    },
    LONG_MS,
  );

  test("one that does not become ready ends, and the old one goes on as if nothing was", async () => {
    const succession = await Succession.begin();
    const first = succession.start();
    await first.started();
    const dead = succession.start({ SERVERS: "http://127.0.0.1:1" }, "--take-over", "1");
    await dead.process.exited;
    expect(dead.process.exitCode).toBe(1);
    await until(() => dead.said(`cannot take over from process ${first.process.pid}: too few servers are healthy`));
    expect((await request(succession.port)).status).toBe(200);
    expect(first.process.exitCode).toBeNull();
    expect(first.said("stopping")).toBeUndefined();
    // Nor is there anything in the way of the next one.
    const next = succession.start({}, "--take-over");
    await next.started();
    await first.process.exited;
    expect((await request(succession.port)).status).toBe(200);
  }, 120_000);

  test("the signal alone ends nobody; nor is anybody needed to take over from", async () => {
    const succession = await Succession.begin();
    const first = succession.start({}, "--take-over");
    await first.started();
    first.process.kill("SIGUSR2");
    await until(() => first.said("SIGUSR2 is for an instance that takes over"));
    expect((await request(succession.port)).status).toBe(200);
    expect(first.process.exitCode).toBeNull();
  }, 120_000);

  test("what was changed at run time, and what was recorded, is the new one's", async () => {
    const succession = await Succession.begin({ HISTORY: "on", LEARNING_SAMPLES: "on", WORKERS: "1" });
    const first = await succession.start().ready();
    const [{ id, url }] = await first.servers();
    await first.change(id, { state: "drain" });
    await Promise.all(Array.from({ length: 20 }, () => request(succession.port)));
    const next = succession.start({}, "--take-over");
    await next.started();
    await first.process.exited;
    expect(first.process.exitCode).toBe(0);
    await until(() => next.said("the admin API listens"));
    const there = (await next.servers()).find((one) => one.url === url);
    expect(there?.state).toBe("draining");
    await until(async () => (await next.status()).degraded.length === 0);
  }, 120_000);
});
