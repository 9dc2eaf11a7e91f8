/**
 * Nanoseconds per parse of typical heads and chunked bodies. Run: `bun bench/micro/parser.ts [milliseconds per case]`.
 * Each figure is the best of seven rounds, so that other load on the machine shows least.
 */
import { ChunkedParser } from "../../src/proxy/http1/chunked.ts";
import { RequestHead, ResponseHead } from "../../src/proxy/http1/head.ts";
import { parseRequestHead } from "../../src/proxy/http1/request-parser.ts";
import { parseResponseHead } from "../../src/proxy/http1/response-parser.ts";
import { Method } from "../../src/shared/series-table.ts";

const LIMITS = { maxHeadBytes: 65_536, maxFields: 128 };
const ROUNDS = 7;
const roundMs = Number(process.argv[2] ?? 700) / ROUNDS;

const bytes = (...lines: string[]) => new TextEncoder().encode(lines.join("\r\n"));

const CURL = bytes("GET / HTTP/1.1", "Host: 127.0.0.1:8080", "User-Agent: curl/8.5.0", "Accept: */*", "", "");
const BROWSER = bytes(
  "GET /catalogue/items?page=2&sort=price HTTP/1.1",
  "Host: shop.example.com",
  "Connection: keep-alive",
  'sec-ch-ua: "Chromium";v="130", "Not?A_Brand";v="99"',
  "sec-ch-ua-mobile: ?0",
  "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36",
  "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
  "Sec-Fetch-Site: same-origin",
  "Sec-Fetch-Mode: navigate",
  "Referer: https://shop.example.com/catalogue",
  "Accept-Encoding: gzip, deflate, br, zstd",
  "Accept-Language: en-GB,en;q=0.9,de;q=0.8",
  "Cookie: session=3f1c9a7e5d2b48f0a1c6; theme=dark; consent=yes",
  "",
  "",
);
const RESPONSE = bytes(
  "HTTP/1.1 200 OK",
  "Server: nginx/1.26.0",
  "Date: Mon, 02 Nov 2026 10:00:00 GMT",
  "Content-Type: text/html; charset=utf-8",
  "Content-Length: 5120",
  "Connection: keep-alive",
  "",
  "",
);
const CHUNKED = bytes("400", "x".repeat(0x400), "400", "x".repeat(0x400), "0", "", "");

const request = new RequestHead();
const response = new ResponseHead();
const chunks = new ChunkedParser();

/** Every case returns what it read, and is checked by it: a benchmark of refusals would flatter. */
const CASES: readonly [name: string, size: number, run: () => number][] = [
  ["request, curl, 3 fields", CURL.length, () => parseRequestHead(CURL, 0, CURL.length, request, LIMITS)],
  ["request, browser, 12 fields", BROWSER.length, () => parseRequestHead(BROWSER, 0, BROWSER.length, request, LIMITS)],
  [
    "response, 5 fields",
    RESPONSE.length,
    () => parseResponseHead(RESPONSE, 0, RESPONSE.length, response, LIMITS, Method.GET),
  ],
  [
    "chunked body, 2 × 1 KiB",
    CHUNKED.length,
    () => {
      chunks.reset();
      return chunks.consume(CHUNKED, 0, CHUNKED.length);
    },
  ],
];

for (const [, , run] of CASES) for (let i = 0; i < 20_000; i++) run();
for (const [name, size, run] of CASES) {
  if (run() !== size) throw new Error(`${name}: parsed ${run()} of ${size} bytes`);
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    let elapsed = 0;
    let count = 0;
    while (elapsed < roundMs) {
      for (let i = 0; i < 1000; i++) run();
      count += 1000;
      elapsed = performance.now() - start;
    }
    best = Math.min(best, (elapsed * 1e6) / count);
  }
  console.log(`${name.padEnd(28)} ${String(size).padStart(5)} bytes ${best.toFixed(0).padStart(6)} ns`);
}
