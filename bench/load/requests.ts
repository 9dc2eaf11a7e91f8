/** What the clients of the benchmark send, and what they must get for it. */
import { PATTERN } from "./pattern.ts";
import type { ExpectedResponse } from "./response-checker.ts";

/** Paths that the benchmark's servers know. */
export const PATHS: Readonly<Record<string, ExpectedResponse>> = {
  "/small": { status: 200, bodyBytes: 100, framing: "length" },
  "/64k": { status: 200, bodyBytes: 64 * 1024, framing: "length" },
  "/1m": { status: 200, bodyBytes: 1024 * 1024, framing: "length" },
  "/chunked": { status: 200, bodyBytes: 4096, framing: "chunked" },
};
/** Bytes of each chunk of `/chunked`. */
export const CHUNK_BYTES = 1024;

export interface RequestShape {
  /** A key of `PATHS`. */
  readonly path: string;
  /** 0 = GET; more = POST with this many bytes. */
  readonly bodyBytes: number;
  /** With the fields that a browser sends instead of the fewest. */
  readonly browser: boolean;
  /** Ask for the connection to be closed. */
  readonly close: boolean;
}

/** The host that is asked for. */
export const SITE = "bench.example.com";

const FEW_FIELDS = ["User-Agent: bench", "Accept: */*"];
const BROWSER_FIELDS = [
  'sec-ch-ua: "Chromium";v="130", "Google Chrome";v="130", "Not?A_Brand";v="99"',
  "sec-ch-ua-mobile: ?0",
  'sec-ch-ua-platform: "Linux"',
  "Upgrade-Insecure-Requests: 1",
  "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36",
  "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8",
  "Sec-Fetch-Site: same-origin",
  "Sec-Fetch-Mode: navigate",
  "Sec-Fetch-User: ?1",
  "Sec-Fetch-Dest: document",
  "Accept-Encoding: gzip, deflate, br, zstd",
  "Accept-Language: en-GB,en-US;q=0.9,en;q=0.8",
  "Cookie: session=9f86d081884c7d659a2feaa0c55ad015a3bf4f1b; theme=dark; consent=all",
];

/** Field lines of a request, but for those that frame it or say where it goes. */
export function fieldsOf({ browser, bodyBytes }: RequestShape): readonly string[] {
  const fields = browser ? BROWSER_FIELDS : FEW_FIELDS;
  return bodyBytes > 0 ? [...fields, "Content-Type: application/octet-stream"] : fields;
}

/** The bytes of one request. */
export function requestBytes(shape: RequestShape): Buffer {
  const { path, bodyBytes, close } = shape;
  const lines = [`${bodyBytes > 0 ? "POST" : "GET"} ${path} HTTP/1.1`, `Host: ${SITE}`];
  lines.push(...fieldsOf(shape));
  if (bodyBytes > 0) lines.push(`Content-Length: ${bodyBytes}`);
  if (close) lines.push("Connection: close");
  return Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`), PATTERN.subarray(0, bodyBytes)]);
}
