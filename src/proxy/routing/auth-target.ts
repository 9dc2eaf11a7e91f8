/** Whom a route asks whether its requests may pass, worked out. */
import type { ForwardAuth } from "../../protocol/route.ts";
import { FIXED_REQUEST_FIELDS, plainFieldName } from "../../shared/fixed-fields.ts";
import type { ServerPool } from "../pool/server-pool.ts";
import { compileEdits, HeadEdits } from "../rewrite/edits.ts";
import { hostOf } from "./host.ts";

/** One route's. */
export interface AuthTarget {
  readonly pool: ServerPool;
  /** `Host` for its servers; null = the client's. */
  readonly host: Buffer | null;
  /** What is asked for, origin-form. */
  readonly path: Buffer;
  /** Fields of the request that are told; empty = all. As `HeadEdits.names` are. */
  readonly requestNames: readonly Buffer[];
  /** Fields of the response that the request is given. */
  readonly responseNames: readonly Buffer[];
  /** The client's fields of these names are not passed on. */
  readonly responseEdits: HeadEdits;
  readonly timeoutMs: number;
}

/** @param pool the one that `auth` names. */
export function compileAuth(auth: ForwardAuth, pool: ServerPool): AuthTarget {
  const { path, requestHeaders, responseHeaders, timeoutMs } = auth;
  const given = responseHeaders.map(plainFieldName).filter((name) => !FIXED_REQUEST_FIELDS.has(name));
  return {
    pool,
    host: hostOf(pool),
    path: Buffer.from(path, "latin1"),
    requestNames: requestHeaders.map((name) => Buffer.from(plainFieldName(name), "latin1")),
    responseNames: given.map((name) => Buffer.from(name, "latin1")),
    responseEdits:
      compileEdits({ remove: given, set: [], add: [] }, FIXED_REQUEST_FIELDS) ?? new HeadEdits(0, [], Buffer.alloc(0)),
    timeoutMs,
  };
}
