/** Looks the servers' names up once, for people. Serving uses control/discovery/ instead. */
import { lookup, resolveSrv } from "node:dns/promises";
import type { ServerSpec } from "../shared/server-spec.ts";

const DEADLINE_MS = 5000;

/** What one entry of `SERVERS` stands for at the moment. */
export interface Resolution {
  readonly url: string;
  /** Addresses, or `name:port` for each record of an SRV name. */
  readonly addresses: readonly string[];
  /** A sentence, when there are none. */
  readonly error: string | null;
}

/** Resolves all entries at once; takes five seconds at most. */
export function resolveServers(servers: readonly ServerSpec[]): Promise<Resolution[]> {
  return Promise.all(
    servers.map(async (server) => {
      try {
        const addresses = await withDeadline(addressesOf(server));
        return { url: server.url, addresses, error: addresses.length === 0 ? "has no address" : null };
      } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException;
        return { url: server.url, addresses: [], error: `cannot be resolved: ${code ?? message}` };
      }
    }),
  );
}

async function addressesOf(server: ServerSpec): Promise<string[]> {
  if (server.source === "srv") return (await resolveSrv(server.host)).map(({ name, port }) => `${name}:${port}`);
  const found = await lookup(server.host, { all: true });
  return [...new Set(found.map(({ address }) => address))];
}

async function withDeadline<T>(work: Promise<T>): Promise<T> {
  let timer: Timer | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${DEADLINE_MS / 1000} s`)), DEADLINE_MS);
  });
  try {
    return await Promise.race([work, deadline]);
  } finally {
    clearTimeout(timer);
  }
}
