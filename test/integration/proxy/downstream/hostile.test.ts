/**
 * What hostile clients send: the right status, a closed connection, and nothing of it at the server. The syntax itself is
 * tested beside the parser; here it is what the proxy makes of it on the wire.
 */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { Backend, cleanUp, eventually, get, ok, TestProxy } from "../../../support/proxy-harness.ts";
import { singleValue, Wire } from "../../../support/wire.ts";

let backend: Backend;
let proxy: TestProxy;

beforeEach(async () => {
  backend = await Backend.answering(({ startLine }) => ok(startLine));
  proxy = new TestProxy([backend]);
});
afterEach(cleanUp);

const post = (fields: string) => get("/", fields, "POST");
/** What an attacker would like to see served as a request of its own. */
const SMUGGLED = get("/smuggled");

/** Sends `bytes`, and what would be smuggled behind them: refused with `status`, and nothing reaches the server. */
async function refused(bytes: string, status: number): Promise<void> {
  const half = Math.ceil(bytes.length / 2);
  for (const packets of [[bytes + SMUGGLED], [bytes.slice(0, 5), bytes.slice(5, half), bytes.slice(half), SMUGGLED]]) {
    const client = await proxy.connect();
    await client.send(...packets);
    const answer = await client.message();
    expect(answer.status).toBe(status);
    expect(singleValue(answer, "connection")).toBe("close");
    expect(singleValue(answer, "proxy-status")).toStartWith("neurabalancer; error=http_request_");
    expect(await client.end()).toBe("end");
    expect(client.unread).toBe(0); // one response, and not one for the smuggled request
    client.destroy();
  }
  expect(backend.received).toBe(0);
  expect(proxy.logged).toEqual([]);
}

describe("refused heads", () => {
  test.each([
    ["CL.TE", `${post("Content-Length: 6\r\nTransfer-Encoding: chunked\r\n")}0\r\n\r\nG`, 400],
    ["TE.CL", `${post("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n")}5c\r\n`, 400],
    ["TE.TE", post("Transfer-Encoding: chunked\r\nTransfer-encoding: cow\r\n"), 400],
    ["TE with a space before the colon", post("Transfer-Encoding : chunked\r\n"), 400],
    ["TE with a vertical tab", post("Transfer-Encoding: \x0bchunked\r\n"), 400],
    ["TE folded", post("Transfer-Encoding:\r\n chunked\r\n"), 400],
    ["TE xchunked", post("Transfer-Encoding: xchunked\r\n"), 400],
    ["TE gzip, chunked", post("Transfer-Encoding: gzip, chunked\r\n"), 501],
    ["TE in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400],
    ["two lengths", post("Content-Length: 0\r\nContent-Length: 40\r\n"), 400],
    ["length with a plus", post("Content-Length: +0\r\n"), 400],
    ["length in hexadecimal", post("Content-Length: 0x0\r\n"), 400],
    ["length too large", post("Content-Length: 99999999999999999999\r\n"), 400],
    ["bare LF at the end of a line", "GET / HTTP/1.1\nHost: a\r\n\r\n", 400],
    ["bare CR in a value", get("/", "X: a\rb\r\n"), 400],
    ["NUL in a value", get("/", "X: a\0b\r\n"), 400],
    ["obs-fold", get("/", "X: a\r\n b\r\n"), 400],
    ["space before the first field", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400],
    ["no Host", "GET / HTTP/1.1\r\n\r\n", 400],
    ["two Hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400],
    ["Host with a path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400],
    ["Host with user information", "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", 400],
    ["space in the target", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400],
    ["fragment", "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 400],
    ["foreign scheme", "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400],
    ["authority as target", "GET a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 400],
    ["CONNECT", "CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 501],
    ["HTTP/0.9", "GET /\r\n\r\n", 400],
    ["HTTP/2.0", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505],
    ["HTTP/1.10", "GET / HTTP/1.10\r\nHost: a\r\n\r\n", 400],
    ["the preface of HTTP/2 in another letter case", "PRI * http/2.0\r\n\r\nSM\r\n\r\n", 400],
    ["a TLS hello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400],
    ["unknown expectation", get("/", "Expect: the-unexpected\r\n"), 417],
    ["a long request line", `GET /${"a".repeat(40_000)} HTTP/1.1\r\n\r\n`, 414],
    ["a long head", get("/", `X: ${"a".repeat(40_000)}\r\n`), 431],
    ["many fields", get("/", "X: y\r\n".repeat(120)), 431],
  ])("%s", (_, bytes, status) => refused(bytes, status));
});

describe("refused bodies", () => {
  const CHUNKED = post("Transfer-Encoding: chunked\r\n");

  test.each([
    ["size not hexadecimal", "xyz\r\n"],
    ["size with 0x", "0x5\r\nhello\r\n0\r\n\r\n"],
    ["size with a sign", "+5\r\nhello\r\n0\r\n\r\n"],
    ["size with a space", "5 \r\nhello\r\n0\r\n\r\n"],
    ["size too long", "00000000000000005\r\nhello\r\n0\r\n\r\n"],
    ["size ended by LF", "5\nhello\r\n0\r\n\r\n"],
    ["extension with LF", "5;a\nb\r\nhello\r\n0\r\n\r\n"],
    ["chunk longer than its size", "5\r\nhello!\r\n0\r\n\r\n"],
    ["end with LF", "0\r\n\n"],
    ["forbidden trailer", "0\r\nTransfer-Encoding: chunked\r\n\r\n"],
    ["folded trailer", "0\r\nA: b\r\n c\r\n\r\n"],
  ])("%s, with the head", async (_, body) => {
    const client = await proxy.connect();
    await client.send(CHUNKED + body + SMUGGLED);
    const answer = await client.message();
    expect(answer.status).toBe(400);
    expect(await client.end()).toBe("end");
    expect(client.unread).toBe(0);
    expect(backend.received).toBe(0);
  });

  test("in a later packet: the server's request is broken, not completed", async () => {
    const client = await proxy.connect();
    await client.send(`${CHUNKED}3\r\nabc\r\n`);
    await eventually(() => backend.received > 0);
    await client.send(`zz\r\n${SMUGGLED}`);
    expect((await client.message()).status).toBe(400);
    expect(await client.end()).toBe("end");
    expect(await backend.connections[0].end()).toBe("reset");
    expect(backend.connections[0].text).not.toContain("smuggled");
  });

  test("too many chunk extensions are refused", async () => {
    const client = await proxy.connect();
    await client.send(`${CHUNKED}${`1;${"x".repeat(3000)}\r\na\r\n`.repeat(10)}0\r\n\r\n`);
    expect((await client.message()).status).toBe(400);
  });
});

describe("early bytes", () => {
  test("a GET with a body is framed by its length, and what follows is the next request", async () => {
    const client = await proxy.connect();
    await client.send(`${get("/a", "Content-Length: 9\r\n")}GET /evil${get("/b")}`);
    expect((await client.message()).body.toString()).toContain("/a");
    expect((await client.message()).body.toString()).toContain("/b");
    expect(backend.connections.length).toBe(1);
  });

  test("bytes behind an upgrade that was not granted are the next request", async () => {
    const client = await proxy.connect();
    await client.send(get("/up", "Connection: upgrade\r\nUpgrade: websocket\r\n") + get("/next"));
    expect((await client.message()).body.toString()).toContain("/up");
    expect((await client.message()).body.toString()).toContain("/next");
  });

  test("an h2c upgrade is not offered to the server", async () => {
    const client = await proxy.connect();
    await client.send(get("/", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"));
    expect((await client.message()).status).toBe(200);
    expect(backend.received).toBeGreaterThan(0);
  });

  test("rubbish behind a good request is refused in its turn", async () => {
    const client = await proxy.connect();
    await client.send(`${get("/good")}rub bish\r\n\r\n`);
    expect((await client.message()).body.toString()).toContain("/good");
    expect((await client.message()).status).toBe(400);
    expect(await client.end()).toBe("end");
  });
});

describe("floods and drips", () => {
  test("thousands of empty lines are no request", async () => {
    const client = await proxy.connect();
    await client.pump(Buffer.from("\r\n".repeat(100_000)));
    expect((await client.message()).status).toBe(400);
    expect(await client.end()).toBe("end");
  });

  test("a client that goes on sending rubbish after its answer is cut off, and does not grow the process", async () => {
    const client = await proxy.connect();
    await client.send("rubbish");
    await client.send("\r\n\r\n");
    expect((await client.message()).status).toBe(400);
    await client.pump(Buffer.alloc(64_000_000)).catch(() => {});
    await eventually(() => proxy.counter("CONNECTIONS_OPEN") === 0);
  });

  test("a head byte by byte is read once, not again for each byte", async () => {
    const head = get("/", `X: ${"y".repeat(3000)}\r\n`);
    const client = await proxy.connect();
    for (const byte of head) client.socket.write(byte);
    expect((await client.message()).status).toBe(200);
  });

  test("many connections that say nothing hinder nobody", async () => {
    const idle = await Promise.all(Array.from({ length: 500 }, () => proxy.connect()));
    const drips = await Promise.all(Array.from({ length: 100 }, () => proxy.connect()));
    for (const drip of drips) await drip.send("GET / HT");
    for (let i = 0; i < 20; i++) expect((await proxy.ask(get())).status).toBe(200);
    for (const connection of [...idle, ...drips]) connection.destroy();
    await eventually(() => proxy.counter("CONNECTIONS_OPEN") === 0);
  });

  test("resets in every phase leave nothing behind", async () => {
    const slow = await Backend.answering(async () => {
      await Bun.sleep(30);
      return ok(Buffer.alloc(200_000));
    });
    const target = new TestProxy([slow]);
    const phases: string[][] = [
      [],
      ["GET / H"],
      [get()],
      [post("Content-Length: 100\r\n"), "some"],
      [post("Transfer-Encoding: chunked\r\n"), "5\r\nhel"],
      [get() + get() + get()],
    ];
    for (let round = 0; round < 5; round++) {
      for (const packets of phases) {
        const client = await target.connect();
        await client.send(...packets);
        await Bun.sleep(round * 12);
        client.reset();
      }
    }
    await eventually(() => target.counter("CONNECTIONS_OPEN") === 0 && target.inFlight === 0);
    expect(target.logged).toEqual([]);
    expect((await target.ask(get())).status).toBe(200);
  });

  test("rubbish from a thousand connections is answered or cut off, and never an internal error", async () => {
    const random = (seed: number) => () => {
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
      return seed / 2 ** 32;
    };
    const next = random(7);
    const words = [
      get(),
      post("Content-Length: 5\r\n"),
      "hello",
      "0\r\n\r\n",
      "\r\n",
      "\0",
      "Host: a\r\n",
      "GET ",
      "\xff".repeat(50),
    ];
    for (let i = 0; i < 300; i++) {
      const client = await Wire.connect(proxy.port);
      const packets = Array.from(
        { length: 1 + Math.floor(next() * 4) },
        () => words[Math.floor(next() * words.length)],
      );
      for (const packet of packets) client.socket.write(Buffer.from(packet, "latin1"));
      if (next() < 0.5) client.finish();
      else client.reset();
    }
    await eventually(() => proxy.counter("CONNECTIONS_OPEN") === 0 && proxy.inFlight === 0);
    expect(proxy.logged).toEqual([]);
  });
});
