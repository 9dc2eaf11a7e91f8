/** Names into addresses: the narrow interface that discovery needs, and the one that asks the system. */
import { promises as dns } from "node:dns";

/** The addresses of a name. */
export interface LookupAnswer {
  /** IPv4 and IPv6 literals, in the resolver's order of preference. */
  readonly addresses: readonly string[];
  /** Smallest time to live of the records; 0 = unknown or not to be kept. */
  readonly ttlSeconds: number;
}

/** A record of RFC 2782. */
export interface SrvRecord {
  /** Target name; "." says that the service is decidedly not offered. */
  readonly name: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
}

/** The SRV records of a name. */
export interface SrvAnswer {
  readonly records: readonly SrvRecord[];
  readonly ttlSeconds: number;
}

/** Both reject when the name cannot be resolved, for whatever reason. */
export interface Resolver {
  lookup(host: string): Promise<LookupAnswer>;
  srv(name: string): Promise<SrvAnswer>;
}

/**
 * Asks the system. Found by experiment with Bun 1.4.5:
 * - `node:dns` `lookup` goes through getaddrinfo: it knows /etc/hosts and nsswitch, but no times to live.
 * - `resolve4`/`resolve6` with `{ttl: true}` know the times, but neither /etc/hosts nor search domains, which the short
 *   names of containers need.
 * - `Bun.dns.lookup` with the backend `c-ares` knows all of it: /etc/hosts (time to live 0), search domains, A and AAAA
 *   at once, and times that count down while its cache of queries holds an answer. So it is asked first, and
 *   getaddrinfo only for what it cannot find (mDNS, LDAP and whatever else nsswitch knows).
 * - `resolveSrv` reports no time to live, but shares that cache: asking often costs no query until the record expires.
 * - `Resolver({timeout, tries})` is not honoured exactly, so discovery puts a deadline of its own on every question.
 */
export const systemResolver: Resolver = Object.freeze({
  async lookup(host: string): Promise<LookupAnswer> {
    const found = await Bun.dns
      .lookup(host, { backend: "c-ares" })
      .catch(() => Bun.dns.lookup(host, { backend: "getaddrinfo" }));
    return {
      addresses: [...new Set(found.map((record) => record.address))],
      ttlSeconds: found.reduce((least, record) => Math.min(least, record.ttl), Number.POSITIVE_INFINITY),
    };
  },

  async srv(name: string): Promise<SrvAnswer> {
    const records = await dns.resolveSrv(name);
    return {
      records: records.map(({ name, port, priority, weight }) => ({ name, port, priority, weight })),
      ttlSeconds: 0,
    };
  },
});
