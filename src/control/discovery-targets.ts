/** One configured server into the addresses behind it: asks the resolver, decides nothing about time or failure. */
import { isIP } from "node:net";
import { WEIGHT } from "../shared/ranges.ts";
import type { Resolver, SrvRecord } from "./discovery-resolver.ts";

/** A server as configured. */
export interface ServerSpec {
  /** Without a trailing slash: `http://backend-1:8001`, `dns+srv://_http._tcp.example.com`. */
  readonly url: string;
  readonly scheme: "http" | "https";
  /** Name or IP literal (IPv6 without brackets); for `srv` the name of the SRV records. */
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
  /** For `Host` of probes, TLS server name and certificate check. */
  readonly hostname: string;
  readonly address: string;
  readonly port: number;
  /** The configured weight, times that of the SRV record. */
  readonly weight: number;
}

export interface Targets {
  readonly servers: readonly DiscoveredServer[];
  /** 0 = unknown. */
  readonly ttlSeconds: number;
}

/** Picks the address to use of a name that means this machine in several ways. */
export type LoopbackChooser = (addresses: readonly string[], port: number) => Promise<string>;

/**
 * @param known the result of the last time: a single SRV target that fails to resolve keeps its addresses from there.
 * Rejects when the name, or each SRV target, cannot be resolved.
 */
export async function resolveTargets(
  spec: ServerSpec,
  known: readonly DiscoveredServer[],
  resolver: Resolver,
  choose: LoopbackChooser,
): Promise<Targets> {
  if (spec.srv) return resolveSrv(spec, known, resolver, choose);
  const { addresses, ttlSeconds } = await lookup(spec.host, spec.port, resolver, choose);
  const servers = addresses.map((address) => ({
    spec,
    url: spec.url,
    hostname: spec.host,
    address,
    port: spec.port,
    weight: spec.weight,
  }));
  return { servers, ttlSeconds };
}

/** Addresses behind SRV records: the group of the lowest priority only (RFC 2782), each target with all its addresses. */
async function resolveSrv(
  spec: ServerSpec,
  known: readonly DiscoveredServer[],
  resolver: Resolver,
  choose: LoopbackChooser,
): Promise<Targets> {
  const { records, ttlSeconds } = await resolver.srv(spec.host);
  const offered = records.filter((record) => record.name !== "." && record.name !== "");
  const priority = Math.min(...offered.map((record) => record.priority));
  const group = offered.filter((record) => record.priority === priority);
  const answers = await Promise.allSettled(group.map(({ name, port }) => lookup(name, port, resolver, choose)));
  const failed = answers.find((answer) => answer.status === "rejected");
  if (failed !== undefined && answers.every((answer) => answer.status === "rejected")) throw failed.reason;

  const hostname = sourceDomain(spec.host);
  const servers: DiscoveredServer[] = [];
  let ttl = failed === undefined ? ttlSeconds : 0;
  group.forEach((record, i) => {
    const answer = answers[i];
    const url = `${spec.scheme}://${record.name.replace(/\.$/, "")}:${record.port}`;
    if (answer.status === "rejected") {
      servers.push(...known.filter((server) => server.url === url));
      return;
    }
    ttl = Math.min(ttl, answer.value.ttlSeconds);
    const weight = Math.min(WEIGHT.most, Math.max(WEIGHT.least, spec.weight * srvWeight(record, group)));
    for (const address of answer.value.addresses) {
      servers.push({ spec, url, hostname, address, port: record.port, weight });
    }
  });
  return { servers, ttlSeconds: ttl };
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
  return srvName.replace(/^(?:_[^.]*\.)+/, "").replace(/\.$/, "");
}

async function lookup(host: string, port: number, resolver: Resolver, choose: LoopbackChooser) {
  if (isIP(host) !== 0) return { addresses: [host], ttlSeconds: Number.POSITIVE_INFINITY };
  const answer = await resolver.lookup(host);
  if (answer.addresses.length === 0) throw new Error(`${host} has no address`);
  // `localhost` is often both 127.0.0.1 and ::1 while the server listens on one of them: that is one server, not two.
  const local = answer.addresses.every((address) => address === "::1" || address.startsWith("127."));
  const both = new Set(answer.addresses.map(isIP)).size === 2;
  if (!local || !both) return answer;
  return { addresses: [await choose(answer.addresses, port)], ttlSeconds: answer.ttlSeconds };
}
