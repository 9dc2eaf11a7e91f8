/** Which servers a pool has: `POST /api/v1/servers` and `DELETE /api/v1/servers/<id>`. */
import { z } from "zod";
import { serverList } from "../../../config/servers/list.ts";
import { DEFAULT_POOL } from "../../../protocol/pool.ts";
import type { AddedServer, Override } from "../../../shared/operations/override.ts";
import { overrideId } from "../../../shared/operations/override-id.ts";
import { CAPACITY, WEIGHT } from "../../../shared/ranges.ts";
import { historyName } from "../../../shared/server-name.ts";
import type { ServerSpec } from "../../../shared/server-spec.ts";
import { ApiError } from "../responses.ts";
import type { Plan } from "./make-change.ts";
import { type ChangedServer, requirePresent, setupOf, warnOfLast } from "./server-change.ts";
import { changeBody, numberIn } from "./terms.ts";

const MOST_TEXT = 256;
/** No control characters (Unicode Cc): written so that those who read the description know the pattern, too. */
const ONE_LINE = /^[^\u0000-\u001f\u007f-\u009f]*$/;

/** A server as it is sent. */
export const newServerSchema = changeBody({
  url: z.string().trim().max(2048).describe("as an entry of SERVERS"),
  pool: z.string().max(MOST_TEXT).optional().describe("where there is more than one"),
  weight: numberIn(WEIGHT).optional(),
  capacity: numberIn(CAPACITY).optional(),
  zone: z.string().max(MOST_TEXT).regex(ONE_LINE, "must be one line without control characters").optional(),
  backup: z.boolean().optional(),
}).meta({ examples: [{ url: "http://10.0.0.5:3000", weight: 2, reason: "more traffic" }] });

/** A server as it was asked for. */
export type NewServer = z.infer<typeof newServerSchema>;

/** A pool of the configuration in force, with the overrides that lie over it. */
export interface ListedPool {
  readonly name: string;
  readonly servers: readonly ServerSpec[];
}

/** What is to come. */
export interface AddedPlan extends Plan {
  readonly pool: string;
  /** The canonical one. */
  readonly url: string;
}

/** Throws an `ApiError`. @param removals overrides in force by which servers are removed. */
export function planAddition(
  { url: text, pool: asked, reason: _, ...more }: NewServer,
  pools: readonly ListedPool[],
  removals: readonly Override[],
): AddedPlan {
  const pool = poolOf(asked, pools);
  const { url, host, port } = specOf(text);
  const known = pool.servers.find((server) => server.host === host && server.port === port);
  if (known !== undefined) {
    throw new ApiError(409, "duplicate_server", `pool ${pool.name} has ${known.url} already: name each server once`);
  }
  const value: AddedServer = { url, ...more };
  const target = { pool: pool.name, url };
  const removal = overrideId({ kind: "server_removed", target });
  const comesBack = removals.some(({ id }) => id === removal);
  const warnings: string[] = [];
  if (comesBack && Object.keys(more).length > 0) {
    warnings.push(
      `it is in the configuration, and was removed at run time: it comes back as configured there, without ${Object.keys(more).join(", ")}`,
    );
  }
  if (!comesBack && port === 0 && more.weight !== undefined) {
    throw wrong("weight", "cannot be: SRV records carry weights of their own");
  }
  return {
    action: "server.add",
    target: `server ${url} of pool ${pool.name}`,
    set: [{ kind: "server_added", target, value }],
    about: { pool: pool.name },
    before: null,
    after: comesBack ? { url } : value,
    present: { servers: pool.servers.map((server) => server.url) },
    warnings,
    pool: pool.name,
    url,
  };
}

/** Throws an `ApiError`. @param addresses how many servers the same entry of the configuration stands for. */
export function planRemoval(server: ChangedServer, addresses: number, pools: readonly ListedPool[]): Plan {
  const { status } = server;
  const { url, pool: name, active_connections: inFlight } = status;
  requirePresent(status);
  const pool = pools.find((one) => one.name === name);
  const spec = pool?.servers.find((one) => one.url === url);
  if (pool === undefined || spec === undefined) {
    throw new ApiError(409, "server_leaves", `server ${url} is not in the configuration of pool ${name} any more`);
  }
  if (addresses > 1) {
    throw new ApiError(
      409,
      "several_addresses",
      `${url} stands for ${addresses} servers, and only all of them could be removed: drain this one instead, with PATCH and {"state":"drain"}`,
    );
  }
  if (pool.servers.length === 1) {
    throw new ApiError(
      409,
      "last_server",
      `${url} is the only server of pool ${name}, which cannot be without: add another first, or drain this one`,
    );
  }
  const warnings = warnOfLast(status, server.pool);
  if (inFlight > 0) warnings.push(`it finishes ${inFlight} requests before it is gone`);
  return {
    action: "server.remove",
    target: `server ${url} of pool ${name}`,
    set: [{ kind: "server_removed", target: { pool: name, url }, value: null }],
    about: { pool: name, ...historyName(server.endpoint) },
    before: url,
    after: null,
    present: setupOf(status),
    warnings,
  };
}

function poolOf(asked: string | undefined, pools: readonly ListedPool[]): ListedPool {
  const names = pools.map(({ name }) => name);
  const wanted = asked ?? (names.length === 1 ? names[0] : DEFAULT_POOL);
  const pool = pools.find(({ name }) => name === wanted);
  if (pool !== undefined) return pool;
  const say = `name one of the pools ${names.join(", ")}`;
  throw wrong("pool", asked === undefined ? `is missing: ${say}` : `is no pool: ${say}`);
}

function specOf(text: string): ServerSpec {
  if (text.includes(",")) throw wrong("url", "must be one server: add them one by one");
  const parsed = serverList.schema.safeParse(text);
  if (parsed.success) return parsed.data[0];
  // The list tells of entries, and repeats them; here there is one.
  const named = `entry 1 "${text.trim()}" `;
  const sentences = parsed.error.issues.map(({ message }) =>
    message.startsWith(named) ? message.slice(named.length) : message,
  );
  const message = sentences.join("; ");
  throw wrong("url", message);
}

function wrong(at: string, message: string): ApiError {
  return new ApiError(400, "invalid_body", `the body is not right: ${at}: ${message}`, {}, [{ at, message }]);
}
