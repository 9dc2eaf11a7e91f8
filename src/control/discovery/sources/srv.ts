/** A server that is configured by the name of SRV records (RFC 2782), which carry hosts, ports and weights. */
import { isIP } from "node:net";
import { MAX_SERVERS } from "../../../shared/memory/layout/shared-memory.ts";
import { WEIGHT } from "../../../shared/ranges.ts";
import type { ServerSpec } from "../../../shared/server-spec.ts";
import { withDeadline } from "../deadline.ts";
import type { DiscoveredServer } from "../discovered-server.ts";
import { distinctPlaces } from "../dns/loopback.ts";
import { type KnownName, NameMemory } from "../dns/name-memory.ts";
import { type Family, hostnameOf, type SrvRecord } from "../dns/resolver.ts";
import type { DiscoverySource, SourceContext } from "../source.ts";
import { PolledSource, type Targets } from "./polled.ts";

/** A target that takes longer has failed: the others must not wait for it. */
const TARGET_TIMEOUT_MS = 3_000;

/** The source of one name of SRV records. */
export function srvSource(spec: ServerSpec, context: SourceContext): DiscoverySource {
  const names = new NameMemory();
  return new PolledSource(spec, context, (current, known) => askRecords(current, known, names, context));
}

/**
 * The group of the lowest priority only, each target with all its addresses. A single target that fails to resolve keeps
 * its addresses from the last time. Rejects when the records, or each target, cannot be resolved.
 */
async function askRecords(
  spec: ServerSpec,
  known: readonly DiscoveredServer[],
  names: NameMemory,
  { resolver, chooseLoopback, nowMs }: SourceContext,
): Promise<Targets> {
  const askedMs = nowMs();
  const { records, ttlSeconds } = await resolver.srv(hostnameOf(spec.host));
  const offered = records.filter((record) => record.name !== "." && record.name !== "");
  const priority = Math.min(...offered.map((record) => record.priority));
  const all = offered.filter((record) => record.priority === priority);
  const group = atMost(MAX_SERVERS, all);
  // A target is a complete name. The records themselves may be asked for every second: their time to live is not told.
  const answers = await Promise.allSettled(
    group.map(async ({ name }): Promise<KnownName> => {
      if (isIP(name) !== 0) return { addresses: [name], ttlSeconds: Number.POSITIVE_INFINITY, kept: [] };
      return withDeadline(names.recall(name, true, resolver, askedMs), TARGET_TIMEOUT_MS);
    }),
  );
  names.keepOnly(group.map(({ name }) => name));
  const failed = answers.find((answer) => answer.status === "rejected");
  if (failed !== undefined && answers.every((answer) => answer.status === "rejected")) throw failed.reason;

  const hostname = sourceDomain(spec.host);
  const servers: DiscoveredServer[] = [];
  const kept = new Set<Family>();
  let ttl = failed === undefined ? ttlSeconds : 0;
  for (const [i, record] of group.entries()) {
    const answer = answers[i];
    const { port } = record;
    const url = `${spec.scheme}://${hostnameOf(record.name)}:${port}`;
    if (answer.status === "rejected") {
      servers.push(...known.filter((server) => server.url === url));
      continue;
    }
    ttl = Math.min(ttl, answer.value.ttlSeconds);
    for (const family of answer.value.kept) kept.add(family);
    const weight = Math.min(WEIGHT.most, Math.max(WEIGHT.least, spec.weight * srvWeight(record, group)));
    for (const place of await distinctPlaces(answer.value.addresses, url, port, chooseLoopback, known)) {
      servers.push({ spec, url, hostname, port, weight, ...place });
    }
  }
  return { servers, ttlSeconds: ttl, kept: [...kept], leftOut: all.length - group.length };
}

/** The same ones each time, in whatever order they come, so that no server has to leave for a change of order. */
function atMost(most: number, records: readonly SrvRecord[]): readonly SrvRecord[] {
  if (records.length <= most) return records;
  const key = ({ name, port }: SrvRecord): string => `${name} ${port}`;
  return [...records].sort((a, b) => (key(a) < key(b) ? -1 : 1)).slice(0, most);
}

/** RFC 2782: weight 0 among others means "very small chance"; when all are 0 they are equal. */
function srvWeight(record: SrvRecord, group: readonly SrvRecord[]): number {
  if (record.weight > 0) return record.weight;
  const positive = group.map((other) => other.weight).filter((weight) => weight > 0);
  return positive.length === 0 ? 1 : Math.min(...positive) / 10;
}

/**
 * The name that a certificate is checked against: the one that was configured, without `_service._proto`. The target of
 * an SRV record came over DNS, which anyone on the path may have written (RFC 9525 section 6.2).
 */
function sourceDomain(srvName: string): string {
  return hostnameOf(srvName.replace(/^(?:_[^.]*\.)+/, ""));
}
