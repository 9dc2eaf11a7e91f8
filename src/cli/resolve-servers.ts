/** Looks the servers up once, for people, as serving does. */

import type { DiscoveredServer } from "../control/discovery/discovered-server.ts";
import { systemResolver } from "../control/discovery/dns/resolver.ts";
import type { Surroundings } from "../control/discovery/source.ts";
import { openSource } from "../control/discovery/sources/registry.ts";
import { addressText } from "../shared/address-text.ts";
import type { ServerSpec } from "../shared/server-spec.ts";

/** What one entry of `SERVERS` stands for at the moment. */
export interface Resolution {
  readonly url: string;
  /** Addresses, or `name:port` for each record of an SRV name. */
  readonly addresses: readonly string[];
  /** A sentence, when there are none. */
  readonly error: string | null;
}

/** Resolves all entries at once; takes five seconds at most. */
export function resolveServers(servers: readonly ServerSpec[], surroundings: Surroundings): Promise<Resolution[]> {
  return Promise.all(servers.map((spec) => resolveServer(spec, surroundings)));
}

async function resolveServer(spec: ServerSpec, surroundings: Surroundings): Promise<Resolution> {
  let failure: unknown;
  const source = openSource(spec, {
    resolver: systemResolver,
    chooseLoopback: async (addresses) => addresses[0],
    log: {
      info: () => {},
      warn: ({ error }, message) => {
        failure ??= error ?? message;
      },
      error: () => {},
    },
    nowMs: () => 0, // it is asked once
    random: () => 0,
    dns: () => ({ minTtlMs: 0, maxTtlMs: 0 }),
    surroundings: () => surroundings,
    counts: { resolutions: 0, failures: 0 },
    onSettled: () => {},
  });
  await source.refresh();
  source.close();
  const addresses = [...new Set(source.servers.map(shown))];
  const error = failure === undefined ? "has no address" : `cannot be resolved: ${failure}`;
  return { url: spec.url, addresses, error: addresses.length === 0 ? error : null };
}

/** The address; where a source tells ports, with its port, and by the name that an SRV record has for it. */
function shown({ spec, url, address, port }: DiscoveredServer): string {
  if (spec.source === "kubernetes") return addressText(address, port);
  return spec.port === 0 ? `${new URL(url).hostname}:${port}` : address;
}
