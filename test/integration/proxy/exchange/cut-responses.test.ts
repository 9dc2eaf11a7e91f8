/**
 * Servers that break off in the middle: whatever they had sent reaches the client, however late it reads, and what was
 * cut is never taken for complete.
 */
import { afterEach, describe, expect, test } from "bun:test";
import { spawn } from "../../../support/processes.ts";
import { Backend, cleanUp, eventually, get, TestProxy } from "../../../support/proxy-harness.ts";
import type { Wire } from "../../../support/wire.ts";
import { PlainClient } from "./plain-client.ts";

const clients: PlainClient[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
  cleanUp();
});

const OK = "HTTP/1.1 200 OK\r\n";
const onLinux = process.platform === "linux";

/** Sends `body` and resets as soon as everything is acknowledged, or as nothing more will be. */
async function sendAndReset(server: Wire, body: Uint8Array): Promise<number> {
  server.socket.write(body);
  let left = -1;
  let same = 0;
  while (left !== 0 && same < 20) {
    await Bun.sleep(25);
    const now = server.unacknowledged;
    same = now === left ? same + 1 : 0;
    left = now;
  }
  server.reset();
  return body.length - left;
}

/** A client that asks and reads nothing until the server has broken off. */
async function late(proxy: TestProxy, request: string, broken: () => boolean): Promise<PlainClient> {
  const client = await PlainClient.ask(proxy.port, request);
  clients.push(client);
  await eventually(() => client.read(1000));
  await eventually(broken);
  await Bun.sleep(100);
  return client;
}

const pattern = (size: number): Buffer => {
  const body = Buffer.alloc(size);
  for (let i = 0; i + 4 <= size; i += 4) body.writeUInt32LE(Math.imul(i, 2_654_435_761) >>> 0, i);
  return body;
};

describe.if(onLinux)("a server that resets while the client is slow", () => {
  const size = 3_500_000;
  const body = pattern(size);

  async function run(head: string, request = get()) {
    let arrived = -1;
    const backend = await Backend.start(async (server) => {
      await server.message();
      await server.send(`${OK}${head}\r\n`);
      arrived = await sendAndReset(server, body);
    });
    const proxy = new TestProxy([backend], { settings: { accessLog: true } });
    const client = await late(proxy, request, () => arrived >= 0);
    const how = await client.end();
    const got = client.body;
    await eventually(() => proxy.inFlight === 0 && proxy.counter("CONNECTIONS_OPEN") === 0);
    const [line] = (await proxy.logLines(1)).map((text) => JSON.parse(text) as Record<string, unknown>);
    expect(proxy.logged).toEqual([]);
    // Every acknowledged byte, in order. The rest was never ours.
    expect(got.length).toBeGreaterThanOrEqual(arrived);
    expect(Bun.hash(got)).toBe(Bun.hash(body.subarray(0, got.length)));
    return { how, got, line };
  }

  test("in the middle of a length: what came arrives, and then an end that is too early", async () => {
    const { how, line } = await run(`Content-Length: ${size * 2}\r\n`);
    expect(how).toBe("end");
    expect(line.error).toBe("response_truncated");
  });

  test("in a body until close: what came arrives, and then a reset", async () => {
    const { how, line } = await run("");
    expect(how).toBe("reset");
    expect(line.error).toBe("response_truncated");
  });

  test("towards a client of HTTP/1.0, too", async () => {
    const { how } = await run("", "GET / HTTP/1.0\r\n\r\n");
    expect(how).toBe("reset");
  });
});

/**
 * A client that reads a first piece, and the rest when it is told to: by plain system calls, because the runtime's own sockets may
 * drop what they have not read when a reset comes right behind it.
 */
const LATE_CLIENT = `
import hashlib, json, socket, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
s.sendall(b"GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n")
got = s.recv(1000)
print("begun", flush=True)
sys.stdin.readline()
how = "end"
try:
    while piece := s.recv(65536): got += piece
except ConnectionResetError: how = "reset"
body = got[got.index(b"\\r\\n\\r\\n") + 4:]
print(json.dumps({"how": how, "bytes": len(body), "hash": hashlib.sha256(body).hexdigest()}), flush=True)
`;
const python = Bun.which("python3");

test.if(onLinux && python !== null)(
  "a cut body until close waits in the system for a client that comes back after seconds",
  async () => {
    // More than the client's system takes, and no more than ours does: the proxy itself has nothing left.
    const body = pattern(1_200_000);
    let arrived = -1;
    const backend = await Backend.start(async (server) => {
      await server.message();
      await server.send(`${OK}\r\n`);
      arrived = await sendAndReset(server, body);
    });
    const proxy = new TestProxy([backend], { settings: { responseBodyTimeoutMs: 30_000 } });
    const client = spawn([python!, "-c", LATE_CLIENT, `${proxy.port}`], { stdin: "pipe", stdout: "pipe" });
    await eventually(() => arrived >= 0);
    await Bun.sleep(3000);
    client.stdin.write("go on\n");
    client.stdin.end();
    const [begun, said] = (await new Response(client.stdout).text()).split("\n");
    expect(begun).toBe("begun");
    const { how, bytes, hash } = JSON.parse(said) as { how: string; bytes: number; hash: string };
    expect(how).toBe("reset");
    expect(arrived).toBeGreaterThan(0);
    expect(bytes).toBeGreaterThanOrEqual(arrived);
    expect(hash).toBe(new Bun.CryptoHasher("sha256").update(body.subarray(0, bytes)).digest("hex"));
  },
);

test.if(onLinux)("a complete answer reaches a late client although its server has reset by then", async () => {
  // Small enough that the kernel acknowledges all of it while nobody reads.
  const body = pattern(180_000);
  let arrived = -1;
  const backend = await Backend.start(async (server) => {
    await server.message();
    await server.send(`${OK}Content-Length: ${body.length}\r\n\r\n`);
    arrived = await sendAndReset(server, body);
  });
  const proxy = new TestProxy([backend]);
  const client = await late(proxy, get(), () => arrived >= 0);
  expect(arrived).toBe(body.length);
  await eventually(() => client.read() && client.body.length === body.length);
  expect(Bun.hash(client.body)).toBe(Bun.hash(body));
});

describe("a server that resets while it is still sent a body", () => {
  /** Answers at once, and resets when more of the upload has come; the proxy is writing by then. */
  async function upload(head: string): Promise<{ how: string; text: string; errors: unknown[] }> {
    const backend = await Backend.start(async (server) => {
      await server.head();
      await server.send(`${OK}${head}\r\npart of it`);
      await server.take(200_000);
      server.socket.pause();
      await Bun.sleep(50);
      server.reset();
    });
    const proxy = new TestProxy([backend], { settings: { accessLog: true } });
    const client = await proxy.connect();
    await client.send(get("/", "Content-Length: 100000000\r\n", "POST"));
    const piece = Buffer.alloc(65_536);
    const pushing = setInterval(() => client.ended === null && client.socket.write(piece), 1);
    try {
      await client.head();
      const how = await client.end();
      const lines = await proxy.logLines(1);
      return { how, text: client.text, errors: lines.map((line) => JSON.parse(line).error) };
    } finally {
      clearInterval(pushing);
      client.destroy();
    }
  }

  test("a body until close is not taken for complete", async () => {
    for (let i = 0; i < 5; i++) {
      expect(await upload("")).toEqual({ how: "reset", text: "part of it", errors: ["response_truncated"] });
    }
  });

  test("a length is cut where it was cut", async () => {
    expect(await upload("Content-Length: 100\r\n")).toMatchObject({
      text: "part of it",
      errors: ["response_truncated"],
    });
  });

  test("an answer that it gave before it broke off is the client's", async () => {
    const backend = await Backend.start(async (server) => {
      await server.head();
      await server.send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 4\r\nConnection: close\r\n\r\nless");
      server.socket.pause();
      await Bun.sleep(20);
      server.reset();
    });
    const proxy = new TestProxy([backend], { settings: { retryAttempts: 0 } });
    for (const bytes of [10, 200_000, 3_000_000]) {
      const client = await proxy.connect();
      await client.send(get("/", `Content-Length: ${bytes}\r\n`, "POST"), Buffer.alloc(bytes));
      const answer = await client.message();
      expect([answer.status, answer.body.toString()]).toEqual([413, "less"]);
      client.destroy();
    }
  });
});

describe.if(onLinux)("a cut loses nothing that waits for a slow client", () => {
  const body = pattern(2_000_000);
  const chunk = Buffer.concat([Buffer.from(`${body.length.toString(16)}\r\n`), body, Buffer.from("\r\n")]);
  const chunked = "Transfer-Encoding: chunked\r\n";

  test.each([
    ["a length, FIN", "Content-Length: 9000000\r\n", body, "", "end"],
    ["chunked, FIN", chunked, chunk, "", "end"],
    ["chunked, then nonsense", chunked, chunk, "nonsense", "end"],
    ["chunked for HTTP/1.0, FIN", chunked, chunk, "", "reset"],
    ["a length, silence", "Content-Length: 9000000\r\n", body, null, "end"],
    ["until close, silence", "", body, null, "reset"],
  ])("%s", async (name, head, bytes, behind, expected) => {
    let sent = false;
    const backend = await Backend.start(async (server) => {
      await server.message();
      await server.send(`${OK}${head}\r\n`);
      await server.pump(bytes);
      if (behind !== null && behind !== "") await server.send(behind);
      else if (behind !== null) server.finish();
      sent = true;
    });
    const proxy = new TestProxy([backend], { settings: { responseBodyTimeoutMs: 2000 } });
    const old = name.includes("HTTP/1.0");
    const client = await PlainClient.ask(proxy.port, old ? "GET / HTTP/1.0\r\n\r\n" : get());
    clients.push(client);
    // It reads again before its own time is up, piece by piece.
    while (client.ended === null) {
      client.read();
      await Bun.sleep(40);
    }
    expect(client.ended).toBe(expected as "end");
    expect(sent).toBe(true);
    const got = client.body;
    const whole = old ? body : bytes;
    expect(got.length).toBeGreaterThanOrEqual(body.length);
    expect(Bun.hash(got)).toBe(Bun.hash(whole.subarray(0, got.length)));
  });

  test("but a client that takes nothing of it is not waited for", async () => {
    const backend = await Backend.start(async (server) => {
      await server.message();
      await server.send(`${OK}\r\n`);
      void server.pump(Buffer.alloc(20_000_000));
      await Bun.sleep(100);
      server.reset();
    });
    const proxy = new TestProxy([backend], { settings: { responseBodyTimeoutMs: 300 } });
    const client = await proxy.connect();
    await client.send(get());
    await client.until(() => client.received > 0);
    client.socket.pause();
    await eventually(() => proxy.counter("CONNECTIONS_OPEN") === 0 && proxy.inFlight === 0);
  });
});
