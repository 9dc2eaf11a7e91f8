/** Parsed heads for the tests of what reads them. */

import { RequestHead, ResponseHead } from "../../../src/proxy/http1/head.ts";
import { parseRequestHead } from "../../../src/proxy/http1/request-parser.ts";
import { parseResponseHead } from "../../../src/proxy/http1/response-parser.ts";
import { Method } from "../../../src/shared/memory/series-table.ts";

const LIMITS = { maxHeadBytes: 65_536, maxFields: 200 };

/** Parses a request head that must be valid. */
export function request(text: string): { buf: Buffer; head: RequestHead } {
  const buf = Buffer.from(text, "latin1");
  const head = new RequestHead();
  if (parseRequestHead(buf, 0, buf.length, head, LIMITS) <= 0) throw new Error(`not a request head: ${text}`);
  return { buf, head };
}

/** A GET of `path` with these field lines. */
export function getRequest(path = "/", lines = ""): ReturnType<typeof request> {
  return request(`GET ${path} HTTP/1.1\r\nHost: a.example\r\n${lines}\r\n`);
}

/** Parses a response head that must be valid. */
export function response(text: string): { buf: Buffer; head: ResponseHead } {
  const buf = Buffer.from(text, "latin1");
  const head = new ResponseHead();
  if (parseResponseHead(buf, 0, buf.length, head, LIMITS, Method.GET) <= 0) throw new Error(`not a head: ${text}`);
  return { buf, head };
}
