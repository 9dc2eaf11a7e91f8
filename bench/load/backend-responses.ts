/** The responses of the benchmark's servers, put together once. */
import { PATTERN } from "./pattern.ts";
import { CHUNK_BYTES, PATHS } from "./requests.ts";
import type { ExpectedResponse } from "./response-checker.ts";

const FIELDS = "Content-Type: text/plain\r\nDate: Mon, 02 Nov 2026 10:00:00 GMT\r\n";

export const NOT_FOUND = response("404 Not Found", Buffer.alloc(0));
export const HEALTHY = response("200 OK", Buffer.from("ok"));
export const BAD_BODY = response("400 Bad Request", Buffer.alloc(0));

/** The response with this body, with Content-Length. */
export function response(status: string, body: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`HTTP/1.1 ${status}\r\n${FIELDS}Content-Length: ${body.length}\r\n\r\n`), body]);
}

/** Responses by path. */
export const RESPONSES: ReadonlyMap<string, Buffer> = new Map(
  Object.entries(PATHS).map(([path, expected]) => [path, prepared(expected)]),
);

function prepared({ bodyBytes, framing }: ExpectedResponse): Buffer {
  const body = PATTERN.subarray(0, bodyBytes);
  if (framing === "length") return response("200 OK", body);
  const parts: Uint8Array[] = [Buffer.from(`HTTP/1.1 200 OK\r\n${FIELDS}Transfer-Encoding: chunked\r\n\r\n`)];
  for (let at = 0; at < bodyBytes; at += CHUNK_BYTES) {
    const chunk = body.subarray(at, at + CHUNK_BYTES);
    parts.push(Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from("\r\n"));
  }
  parts.push(Buffer.from("0\r\n\r\n"));
  return Buffer.concat(parts);
}
