/** One configured server into the addresses behind it: asks the resolver, decides nothing about time or failure. */
import { isIP } from "node:net";
import { MAX_SERVERS } from "../../shared/layout.ts";
import { WEIGHT } from "../../shared/ranges.ts";
import { withDeadline } from "./deadline.ts";
import type { NameMemory } from "./names.ts";
import type { Family, Resolver, SrvRecord } from "./resolver.ts";

/** A target of SRV records that takes longer has failed: the others must not wait for it. */
const TARGET_TIMEOUT_MS = 3_000;

/** A server as configured. */
export interface ServerSpec {
  /** Without a trailing slash: `http://backend-1:8001`, `dns+srv://_http._tcp.example.com`. */
  readonly url: string;
  readonly scheme: "http" | "https";
  /**
   * Name or IP literal (IPv6 without brackets); for `srv` the name of the SRV records. A dot at its end says that it is
   * complete: no search domain is added to it.
   */
  readonly host: string;
  /** Not used for `srv`. */
  readonly port: number;
  readonly srv: boolean;
  /** > 0. */
  readonly weight: number;
  /** As shown to users and to the model. */
  readonly capacity: number;
  /** Most requests in flight; 0 = not enforced. */
  readonly hardLimit: number;
}

/** One address of a server: what traffic is balanced over. */
export interface DiscoveredServer {
  readonly spec: ServerSpec;
  /** As configured; for SRV records made of the target. */
  readonly url: string;
  /** For `Host`, TLS server name and certificate check; without a dot at its end. */
  readonly hostname: string;
  readonly address: string;
  /** The name means this machine in both families: the server is the same whichever of them it listens on. */
  readonly eitherLoopback?: boolean;
  readonly port: number;
  /** The configured weight, times that of the SRV record. */
  readonly weight: number;
}

export interface Targets {
  readonly servers: readonly DiscoveredServer[];
  /** 0 = unknown. */
  readonly ttlSeconds: number;
  /** Families whose addresses are those of an earlier answer, because their question failed. */
  readonly kept: readonly Family[];
  /** Targets of SRV records that are more than there can be servers. */
  readonly leftOut: number;
}

/** Picks the address to use of a name that means this machine in several ways; the first when it cannot tell. */
export type LoopbackChooser = (addresses: readonly string[], port: number) => Promise<string>;

/** What a resolution works with. */
export interface Resolution {
  readonly resolver: Resolver;
  readonly choose: LoopbackChooser;
  /** What is known of the names of this server. */
  readonly names: NameMemory;
  /** The result of the last time. */
  readonly known: readonly DiscoveredServer[];
  /** Monotonic, milliseconds. */
  readonly nowMs: number;
}

/** Without the dot that only says that the name is complete. */
export function hostnameOf(name: string): string {
  return name.replace(/\.$/, "");
}

/**
 * A single SRV target that fails to resolve keeps its addresses from the last time. Rejects when the name, or each SRV
 * target, cannot be resolved.
 */
export async function resolveTargets(spec: ServerSpec, resolution: Resolution): Promise<Targets> {
  if (spec.srv) return resolveSrv(spec, resolution);
  const { url, host, port, weight } = spec;
  const hostname = hostnameOf(host);
  if (isIP(host) !== 0) {
    const servers = [{ spec, url, hostname, address: host, port, weight }];
    return { servers, ttlSeconds: Number.POSITIVE_INFINITY, kept: [], leftOut: 0 };
  }
  const { names, resolver, nowMs } = resolution;
  const { addresses, ttlSeconds, kept } = await names.lookup(host, false, resolver, nowMs);
  const servers = (await places(addresses, url, port, resolution)).map((place) => ({
    spec,
    url,
    hostname,
    port,
    weight,
    ...place,
  }));
  return { servers, ttlSeconds, kept, leftOut: 0 };
}

/** Addresses behind SRV records: the group of the lowest priority only (RFC 2782), each target with all its addresses. */
async function resolveSrv(spec: ServerSpec, resolution: Resolution): Promise<Targets> {
  const { resolver, names, known, nowMs } = resolution;
  const { records, ttlSeconds } = await resolver.srv(hostnameOf(spec.host));
  const offered = records.filter((record) => record.name !== "." && record.name !== "");
  const priority = Math.min(...offered.map((record) => record.priority));
  const all = offered.filter((record) => record.priority === priority);
  const group = atMost(MAX_SERVERS, all);
  // A target is a complete name. The records themselves may be asked for every second: their time to live is not told.
  const answers = await Promise.allSettled(
    group.map(async ({ name }) => {
      if (isIP(name) !== 0) return { addresses: [name], ttlSeconds: Number.POSITIVE_INFINITY, kept: [] };
      return withDeadline(names.recall(name, true, resolver, nowMs), TARGET_TIMEOUT_MS);
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
    for (const place of await places(answer.value.addresses, url, port, resolution)) {
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

/**
 * `localhost` is often both 127.0.0.1 and ::1 while the server listens on one of them: that is one server, not two. While
 * it does not listen at all, as when it restarts, it stays where it was.
 */
async function places(
  addresses: readonly string[],
  url: string,
  port: number,
  { choose, known }: Resolution,
): Promise<readonly Pick<DiscoveredServer, "address" | "eitherLoopback">[]> {
  const local = addresses.every((address) => address === "::1" || address.startsWith("127."));
  const both = new Set(addresses.map(isIP)).size === 2;
  if (!local || !both) return addresses.map((address) => ({ address }));
  const last = known.find((server) => server.url === url && addresses.includes(server.address))?.address;
  const inOrder = last === undefined ? addresses : [last, ...addresses.filter((address) => address !== last)];
  return [{ address: await choose(inOrder, port), eitherLoopback: true }];
}
