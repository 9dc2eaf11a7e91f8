/** Responses that are compressed on their way to the client. */
import { afterEach, describe, expect, test } from "bun:test";
import {
  brotliDecompressSync,
  createBrotliDecompress,
  createGunzip,
  createZstdDecompress,
  gunzipSync,
  zstdDecompressSync,
} from "node:zlib";
import { seededRandom } from "../../../../src/balancing/random.ts";
import type { CompressionSettings } from "../../../../src/protocol/route.ts";
import { Encoder, MAX_ENCODERS } from "../../../../src/proxy/compress/encoder.ts";
import { run } from "../../../support/processes.ts";
import { Backend, cleanUp, eventually, get, ok, type Script, TestProxy } from "../../../support/proxy-harness.ts";
import { singleValue, type Wire, type WireMessage } from "../../../support/wire.ts";

const SETTINGS: CompressionSettings = { encodings: ["br", "zstd", "gzip"], minBytes: 20, types: ["text/*"] };
const TEXT = "Content-Type: text/plain\r\n";
const KINDS = [
  ["gzip", gunzipSync, createGunzip],
  ["br", brotliDecompressSync, createBrotliDecompress],
  ["zstd", zstdDecompressSync, createZstdDecompress],
] as const;

afterEach(async () => {
  await eventually(() => Encoder.count === 0);
  cleanUp();
});

async function compressing(script: Script, settings: Partial<CompressionSettings> = {}) {
  const backend = await Backend.start(script);
  const proxy = new TestProxy([backend], { routes: [{ compression: { ...SETTINGS, ...settings } }] });
  return { backend, proxy };
}

/** A server that gives each request this response. */
const always =
  (response: string | Uint8Array): Script =>
  async (connection) => {
    for (;;) {
      await connection.message();
      await connection.send(response);
    }
  };

const asking = (encoding: string, fields = "", method = "GET") =>
  get("/", `Accept-Encoding: ${encoding}\r\n${fields}`, method);

function text(bytes: number, seed = 1): Buffer {
  const random = seededRandom(seed);
  const words = Array.from({ length: 200 }, () => random.nextUint32().toString(36));
  let all = "";
  while (all.length < bytes) all += `${words[random.nextUint32() % words.length]} `;
  return Buffer.from(all.slice(0, bytes));
}

describe.each(KINDS)("%s", (encoding, decode, createDecoder) => {
  test("a body of whatever length, framing and pieces is what the client decodes", async () => {
    const random = seededRandom(7);
    let body: Buffer = Buffer.alloc(0);
    let framing = "";
    const { proxy } = await compressing(async (connection) => {
      await connection.message();
      const field = { length: `Content-Length: ${body.length}`, chunked: "Transfer-Encoding: chunked", close: "X: y" };
      await connection.send(`HTTP/1.1 200 OK\r\n${TEXT}${field[framing as keyof typeof field]}\r\n`);
      await connection.send(random.next() < 0.5 ? "\r\n" : "Connection: close\r\n\r\n");
      for (let at = 0; at < body.length; ) {
        const end = Math.min(body.length, at + 1 + Math.floor(random.next() ** 3 * 50_000));
        const size = framing === "chunked" ? `${(end - at).toString(16)}\r\n` : "";
        await connection.send(Buffer.concat([Buffer.from(size), body.subarray(at, end), Buffer.from(size && "\r\n")]));
        at = end;
      }
      if (framing === "chunked") await connection.send("0\r\n\r\n");
      connection.finish();
    });
    for (let round = 0; round < 12; round++) {
      body = text(20 + Math.floor(random.next() ** 3 * 300_000), round + 1);
      framing = ["length", "chunked", "close"][round % 3];
      const answer = await proxy.ask(asking(encoding));
      expect(fieldsOf(answer, "content-encoding", "vary")).toEqual([encoding, "Accept-Encoding"]);
      expect(Bun.hash(decode(answer.body))).toBe(Bun.hash(body));
      expect(answer.body.length).toBeLessThan(body.length + 100);
    }
    expect(proxy.counter("RESPONSES_COMPRESSED")).toBe(12);
    expect(proxy.counter("COMPRESSED_BYTES")).toBeGreaterThan(proxy.counter("COMPRESSED_BYTES_SENT"));
  });

  test("what comes little by little is not held back", async () => {
    let next = Promise.withResolvers<string>();
    const { proxy } = await compressing(async (connection) => {
      await connection.message();
      await connection.send(`HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n`);
      for (;;) {
        const event = await next.promise;
        next = Promise.withResolvers();
        await connection.send(`${event.length.toString(16)}\r\n${event}\r\n`);
      }
    });
    const client = await proxy.connect();
    await client.send(asking(encoding));
    await client.head();
    const decoder = createDecoder();
    let decoded = "";
    decoder.on("data", (data: Buffer) => {
      decoded += data.toString();
    });
    let expected = "";
    for (const event of ["data: 1\n\n", "data: two\n\n", `data: ${"x".repeat(3000)}\n\n`]) {
      next.resolve(event);
      const size = Number.parseInt((await client.takeThrough("\r\n")).toString(), 16);
      decoder.write(await client.take(size));
      await client.take(2);
      expected += event;
      await eventually(() => decoded === expected);
    }
    decoder.destroy();
    client.destroy();
  });

  test("curl reads it", async () => {
    const body = text(100_000);
    const { proxy } = await compressing(always(ok(body, TEXT)));
    const url = `http://127.0.0.1:${proxy.port}/`;
    const { text: received, code } = await run([
      "curl",
      "-sS",
      "--compressed",
      "-H",
      `Accept-Encoding: ${encoding}`,
      url,
    ]);
    expect([code, received.length]).toEqual([0, body.length]);
    expect(received).toBe(body.toString());
  });
});

describe("the head", () => {
  const body = text(500);

  test("of a body that is there at once has its length; the connection goes on", async () => {
    const { proxy } = await compressing(
      always(ok(body, `${TEXT}ETag: "a"\r\nAccept-Ranges: bytes\r\nVary: Cookie\r\n`)),
    );
    const client = await proxy.connect();
    for (let i = 0; i < 3; i++) {
      await client.send(asking("gzip"));
      const answer = await client.message();
      expect(fieldsOf(answer, "content-encoding", "etag", "vary", "content-length")).toEqual([
        "gzip",
        'W/"a"',
        "Cookie, Accept-Encoding",
        String(answer.body.length),
      ]);
      expect(answer.head.toLowerCase()).not.toContain("accept-ranges");
      expect(gunzipSync(answer.body).equals(body)).toBe(true);
    }
    client.destroy();
  });

  test("for HEAD is the one for GET but for its length", async () => {
    const { proxy } = await compressing(always(`HTTP/1.1 200 OK\r\n${TEXT}Content-Length: 500\r\nETag: "a"\r\n\r\n`));
    const client = await proxy.connect();
    for (let i = 0; i < 2; i++) {
      await client.send(asking("br", "", "HEAD"));
      const answer = await client.message({ noBody: true });
      expect(fieldsOf(answer, "content-encoding", "etag", "vary")).toEqual(["br", 'W/"a"', "Accept-Encoding"]);
      expect(answer.head.toLowerCase()).not.toContain("content-length");
    }
    client.destroy();
  });

  test.each([
    ["without the client's leave", get()],
    ["for HTTP/1.0", "GET / HTTP/1.0\r\nAccept-Encoding: gzip\r\n\r\n"],
  ])("%s says what it depends on, and the rest is as it came", async (_, request) => {
    const { proxy } = await compressing(always(ok(body, `${TEXT}ETag: "a"\r\n`)));
    const answer = await proxy.ask(request);
    expect(fieldsOf(answer, "etag", "vary", "content-length")).toEqual(['"a"', "Accept-Encoding", "500"]);
    expect(answer.body.equals(body)).toBe(true);
    expect(proxy.counter("RESPONSES_COMPRESSED")).toBe(0);
  });

  test.each([
    ["an image", "Content-Type: image/png\r\n"],
    ["what is compressed", `${TEXT}Content-Encoding: br\r\n`],
    ["what may not be changed", `${TEXT}Cache-Control: no-transform\r\n`],
  ])("of %s is as it was", async (_, fields) => {
    const { proxy } = await compressing(always(ok(body, `Date: x\r\n${fields}`)));
    const client = await proxy.connect();
    await client.send(asking("gzip, br"));
    const answer = await client.message();
    const [head] = ok(body, `Date: x\r\n${fields}`).toString("latin1").split("\r\n\r\n");
    expect(answer.head).toBe(`${head}\r\n\r\n`);
    expect(answer.body.equals(body)).toBe(true);
    client.destroy();
  });

  test.each([304, 204])("with %p goes on as it came, and so does the tag that was asked with", async (status) => {
    let asked = "";
    const { proxy } = await compressing(async (connection) => {
      asked = (await connection.message()).head;
      await connection.send(`HTTP/1.1 ${status} x\r\nDate: x\r\nETag: "a"\r\n\r\n`);
    });
    const answer = await proxy.ask(asking("gzip", 'If-None-Match: W/"a"\r\n'), { noBody: true });
    expect(fieldsOf(answer, "etag")).toEqual(['"a"']);
    expect(answer.head.toLowerCase()).not.toContain("vary");
    expect(asked).toContain('If-None-Match: W/"a"');
  });
});

test("a part is sent as it is", async () => {
  const part = `HTTP/1.1 206 x\r\n${TEXT}Content-Range: bytes 0-99/200\r\nContent-Length: 100\r\n\r\n${text(100)}`;
  const { proxy } = await compressing(always(part));
  const answer = await proxy.ask(asking("gzip", "Range: bytes=0-99\r\n"));
  expect([answer.status, answer.body.toString()]).toEqual([206, text(100).toString()]);
});

test("trailers are passed on", async () => {
  const chunks = `14\r\n${"x".repeat(20)}\r\n0\r\nX-Sum: 5\r\nHost: no\r\n\r\n`;
  const head = `HTTP/1.1 200 OK\r\n${TEXT}Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n`;
  for (const packets of [[head + chunks], [head, chunks], [head, chunks.slice(0, 30), chunks.slice(30)]]) {
    const { proxy } = await compressing(async (connection) => {
      await connection.message();
      await connection.send(...packets);
    });
    const answer = await proxy.ask(asking("gzip"));
    expect(answer.trailers).toBe("X-Sum: 5\r\n");
    expect(fieldsOf(answer, "trailer")).toEqual(["X-Sum"]);
    expect(gunzipSync(answer.body).toString()).toBe("x".repeat(20));
  }
});

test.each([
  ["announced", "Content-Length: 900000\r\n", "end", ""],
  ["chunked", "Transfer-Encoding: chunked\r\n", "end", "64\r\n"],
  ["chunked, and its framing is broken", "Transfer-Encoding: chunked\r\n", "rubbish", "64\r\n"],
  ["until close", "", "reset", ""],
])("a body that is cut (%s): the client gets what came, and sees that it is not all", async (_, field, how, size) => {
  const taken = Promise.withResolvers<void>();
  const { proxy } = await compressing(async (connection) => {
    await connection.message();
    await connection.send(`HTTP/1.1 200 OK\r\n${TEXT}${field}\r\n${size}${"a".repeat(100)}`);
    await taken.promise;
    if (how === "rubbish") await connection.send("zz\r\n0\r\n\r\n");
    else if (how === "reset") connection.reset();
    else connection.finish();
  });
  const client = await proxy.connect();
  await client.send(asking("gzip"));
  await client.head();
  await client.until(() => client.text.endsWith("\r\n"));
  taken.resolve();
  await client.end();
  const received = client.text;
  expect(received).not.toContain("\r\n0\r\n");
  const from = received.indexOf("\r\n") + 2;
  const bytes = Buffer.from(received.slice(from, from + Number.parseInt(received, 16)), "latin1");
  const decoder = createGunzip();
  let decoded = "";
  decoder.on("data", (data: Buffer) => {
    decoded += data.toString();
  });
  decoder.write(bytes);
  await eventually(() => decoded === "a".repeat(100));
  decoder.destroy();
});

test("a client that reads slowly holds the server back", async () => {
  const random = seededRandom(5);
  const noise = Buffer.from(Uint32Array.from({ length: 250_000 }, () => random.nextUint32()).buffer);
  let sent = 0;
  const { proxy } = await compressing(async (connection) => {
    await connection.message();
    await connection.send(`HTTP/1.1 200 OK\r\n${TEXT}Content-Length: ${60 * noise.length}\r\n\r\n`);
    for (let i = 0; i < 60; i++, sent++) await connection.pump(noise);
  });
  const client = await proxy.connect();
  await client.send(asking("gzip"));
  await client.until(() => client.received > 0);
  client.socket.pause();
  let relayed = 0;
  for (let still = 0; still < 20; ) {
    await Bun.sleep(25);
    still = proxy.counter("BYTES_TO_CLIENTS") === relayed ? still + 1 : 0;
    relayed = proxy.counter("BYTES_TO_CLIENTS");
  }
  expect(sent).toBeLessThan(50);
  expect(Encoder.count).toBe(1);
  client.destroy();
  await eventually(() => Encoder.count === 0 && proxy.inFlight === 0);
});

test("when there are too many at a time the rest is sent as it is, and counted", async () => {
  const { proxy } = await compressing(async (connection) => {
    await connection.message();
    await connection.send(`HTTP/1.1 200 OK\r\n${TEXT}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n`);
  });
  const clients: Wire[] = [];
  for (let i = 0; i < MAX_ENCODERS; i++) {
    const client = await proxy.connect();
    clients.push(client);
    await client.send(asking("zstd"));
    await client.head();
  }
  expect(Encoder.count).toBe(MAX_ENCODERS);
  const client = await proxy.connect();
  await client.send(asking("zstd"));
  const answer = await client.head();
  expect(fieldsOf(answer, "vary")).toEqual(["Accept-Encoding"]);
  expect(answer.head.toLowerCase()).not.toContain("content-encoding");
  expect(proxy.counter("COMPRESSION_SKIPPED")).toBe(1);
  for (const one of [...clients, client]) one.destroy();
  await eventually(() => Encoder.count === 0);
});

test("the log has the bytes that were sent", async () => {
  const body = text(5000);
  const backend = await Backend.start(always(ok(body, TEXT)));
  const proxy = new TestProxy([backend], {
    settings: { accessLog: true },
    routes: [{ compression: SETTINGS }],
  });
  const answer = await proxy.ask(asking("gzip"));
  const [line] = await proxy.logLines(1);
  expect(JSON.parse(line)).toMatchObject({ bytes: answer.body.length });
});

/** Values of fields that occur once. */
function fieldsOf(answer: WireMessage, ...names: string[]): (string | undefined)[] {
  return names.map((name) => singleValue(answer, name));
}
