/** What HTTP/2 adds to a request: its header block read to a head of HTTP/1.1, and the response's head written as one. */
import { join } from "node:path";
import type { Case } from "./cases.ts";

/** Fields as h2load sends them, and as a browser does. */
const SMALL: readonly string[] = [
  ":method: GET",
  ":scheme: http",
  ":authority: 127.0.0.1:8080",
  ":path: /",
  "user-agent: h2load nghttp2/1.52.0",
];
const BROWSER: readonly string[] = [
  ":method: GET",
  ":authority: shop.example.com",
  ":scheme: https",
  ":path: /catalogue/items?page=2&sort=price",
  'sec-ch-ua: "Chromium";v="130", "Not?A_Brand";v="99"',
  "sec-ch-ua-mobile: ?0",
  "user-agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36",
  "accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
  "sec-fetch-site: same-origin",
  "sec-fetch-mode: navigate",
  "referer: https://shop.example.com/catalogue",
  "accept-encoding: gzip, deflate, br, zstd",
  "accept-language: en-GB,en;q=0.9,de;q=0.8",
  "cookie: session=3f1c9a7e5d2b48f0a1c6",
  "cookie: theme=dark",
  "cookie: consent=yes",
];
const RESPONSE = Buffer.from(
  [
    "HTTP/1.1 200 OK",
    "Server: nginx/1.26.0",
    "Date: Mon, 02 Nov 2026 10:00:00 GMT",
    "Content-Type: text/html; charset=utf-8",
    "Content-Length: 5120",
    "",
    "",
  ].join("\r\n"),
);
const MAX_BYTES = 65_536;
const METHOD_GET = 2;

/** Blocks as they come again and again on a connection. */
export async function makeHeaderBlockCases(root: string): Promise<Case[]> {
  const source = (path: string): string => join(root, "src/proxy/http2", path);
  // A base that does not speak it has nothing to compare.
  if (!(await Bun.file(source("hpack/decoder.ts")).exists())) return [];
  const { HpackDecoder } = (await import(
    source("hpack/decoder.ts")
  )) as typeof import("../../src/proxy/http2/hpack/decoder.ts");
  const { HpackEncoder } = (await import(
    source("hpack/encoder.ts")
  )) as typeof import("../../src/proxy/http2/hpack/encoder.ts");
  const { RecurringLines } = (await import(
    source("hpack/recurring-lines.ts")
  )) as typeof import("../../src/proxy/http2/hpack/recurring-lines.ts");
  const { REQUEST_RULES, RESPONSE_RULES } = (await import(
    source("heads/field-rules.ts")
  )) as typeof import("../../src/proxy/http2/heads/field-rules.ts");
  const { RequestReader } = (await import(
    source("heads/request-reader.ts")
  )) as typeof import("../../src/proxy/http2/heads/request-reader.ts");
  const { ResponseReader } = (await import(
    source("heads/response-reader.ts")
  )) as typeof import("../../src/proxy/http2/heads/response-reader.ts");
  const { writeResponseBlock } = (await import(
    source("heads/block-writer.ts")
  )) as typeof import("../../src/proxy/http2/heads/block-writer.ts");

  const out = Buffer.allocUnsafeSlow(MAX_BYTES);
  const reader = new RequestReader();
  const responses = new ResponseReader();
  const newEncoder = () => new HpackEncoder(new RecurringLines());
  let length = 0;

  /** The block of `fields`. @param literal in no table: what the first request of a connection is like. */
  const block = (encoder: InstanceType<typeof HpackEncoder>, fields: readonly string[], literal: boolean): Buffer => {
    const names = [":authority", "", "", ":path"];
    let at = encoder.indexed(out, encoder.begin(out, 0), METHOD_GET);
    at = encoder.indexed(out, at, METHOD_GET + 4);
    for (const field of fields) {
      const [name, value] = [field.slice(0, field.indexOf(": ")), field.slice(field.indexOf(": ") + 2)];
      const line = Buffer.from(`${field}\r\n`);
      if (names.includes(name))
        at = encoder.named(out, at, names.indexOf(name) + 1, Buffer.from(value), 0, value.length);
      else if (!name.startsWith(":")) {
        const next = encoder.known(out, at, line, 0, line.length);
        if (next >= 0) at = next;
        else {
          encoder.scan(line, 0);
          at = encoder.put(out, at, line, literal);
        }
      }
    }
    return Buffer.from(out.subarray(0, at));
  };

  const reading = (name: string, fields: readonly string[], rounds: number): Case => {
    const encoder = newEncoder();
    const decoder = new HpackDecoder(REQUEST_RULES);
    const read = (bytes: Buffer): void => {
      reader.begin(MAX_BYTES);
      if (decoder.decode(bytes, 0, bytes.length, reader) !== 0) throw new Error("the block is refused");
      length = reader.finish(true, null);
      reader.write(out, 0);
    };
    let last: Buffer = out;
    for (let round = 0; round < rounds; round++) {
      last = block(encoder, fields, rounds === 1);
      read(last);
    }
    return {
      name: `read block, ${name}`,
      run: (times) => {
        for (let i = 0; i < times; i++) read(last);
      },
      check: () => expectMore(length, 60),
    };
  };

  const writing = (name: string, heads: readonly Buffer[]): Case => {
    const encoder = newEncoder();
    return {
      name: `write block, ${name}`,
      run: (times) => {
        for (let i = 0; i < times; i++) {
          const head = heads[i % heads.length];
          length = writeResponseBlock(encoder, out, 0, head, 0, head.length, false);
        }
      },
      check: () => expectMore(length, 3),
    };
  };

  const answering = (): Case => {
    const encoder = newEncoder();
    const decoder = new HpackDecoder(RESPONSE_RULES);
    const read = (bytes: Buffer): void => {
      responses.begin(MAX_BYTES);
      if (decoder.decode(bytes, 0, bytes.length, responses) !== 0) throw new Error("the block is refused");
      length = responses.finish(false, true, null);
      responses.write(out, 0);
    };
    let last: Buffer = out;
    for (let round = 0; round < 3; round++) {
      last = Buffer.from(out.subarray(0, writeResponseBlock(encoder, out, 0, RESPONSE, 0, RESPONSE.length, false)));
      read(last);
    }
    return {
      name: "read block, response of 4 fields",
      run: (times) => {
        for (let i = 0; i < times; i++) read(last);
      },
      check: () => expectMore(length, 100),
    };
  };

  const lengths = Array.from({ length: 97 }, (_, i) =>
    Buffer.from(RESPONSE.toString().replace("5120", String(1000 + 37 * i))),
  );
  return [
    reading("h2load, 5 fields", SMALL, 3),
    reading("browser, 16 fields", BROWSER, 3),
    reading("browser, 16 fields, all literals", BROWSER, 1),
    answering(),
    writing("4 fields", [RESPONSE]),
    writing("4 fields, other lengths", lengths),
  ];
}

function expectMore(got: number, least: number): void {
  if (!(got > least)) throw new Error(`${got} is not more than ${least}`);
}
