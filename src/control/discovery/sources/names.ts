/** A server that is configured by a host name: all its addresses, IPv4 and IPv6. */
import type { ServerSpec } from "../../../shared/server-spec.ts";
import { distinctPlaces } from "../dns/loopback.ts";
import { NameMemory } from "../dns/name-memory.ts";
import { hostnameOf } from "../dns/resolver.ts";
import type { DiscoverySource, SourceContext } from "../source.ts";
import { PolledSource } from "./polled.ts";

/** The source of one name. */
export function namesSource(spec: ServerSpec, context: SourceContext): DiscoverySource {
  const { resolver, chooseLoopback, nowMs } = context;
  const names = new NameMemory();
  return new PolledSource(spec, context, async (current, known) => {
    const { url, host, port, weight } = current;
    const { addresses, ttlSeconds, kept } = await names.lookup(host, false, resolver, nowMs());
    const places = await distinctPlaces(addresses, url, port, chooseLoopback, known);
    const servers = places.map((place) => ({ spec: current, url, hostname: hostnameOf(host), port, weight, ...place }));
    return { servers, ttlSeconds, kept, leftOut: 0 };
  });
}
