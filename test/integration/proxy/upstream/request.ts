/** Requests for the tests of legs, as an exchange would have them. */
import { BodyKind, RequestHead } from "../../../../src/proxy/http1/head.ts";
import { parseRequestHead } from "../../../../src/proxy/http1/request-parser.ts";
import { Peer } from "../../../../src/proxy/rewrite/request.ts";
import { TrustedProxies } from "../../../../src/proxy/rewrite/trusted-proxies.ts";
import type { UpstreamRequest } from "../../../../src/proxy/upstream/leg.ts";

const LIMITS = { maxHeadBytes: 65_536, maxFields: 100 };
const PEER = new Peer("192.0.2.1", false, new TrustedProxies([]));

/**
 * @param text the head as a client sent it.
 * @param firstBody what came with it.
 * @param done it was all.
 */
export function requestOf(text: string, firstBody = "", done = true): UpstreamRequest {
  const headBuffer = Buffer.from(text, "latin1");
  const head = new RequestHead();
  if (parseRequestHead(headBuffer, 0, headBuffer.length, head, LIMITS) <= 0) throw new Error(`no request: ${text}`);
  const kind = head.chunked ? BodyKind.CHUNKED : head.contentLength > 0 ? BodyKind.LENGTH : BodyKind.NONE;
  return {
    method: head.method,
    headBuffer,
    parsedHead: () => head,
    peer: PEER,
    pathPrefix: Buffer.alloc(0),
    pathStart: head.pathStart,
    pathEnd: head.targetEnd,
    host: null,
    fallbackHost: Buffer.alloc(0),
    edits: null,
    ids: Buffer.from("0123456789abcdef".repeat(3)),
    keepRequestId: false,
    traceparent: null,
    keepTraceState: false,
    upgrade: head.upgrade,
    body: { kind, done },
    firstBody: Buffer.from(firstBody, "latin1"),
    firstBodyStart: 0,
    firstBodyEnd: firstBody.length,
  };
}
