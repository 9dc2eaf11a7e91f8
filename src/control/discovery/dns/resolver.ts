/** Names into addresses: the narrow interface that discovery needs, and the one that asks the system. */
import { promises as dns, getServers } from "node:dns";
import { LocalNames } from "./local-names.ts";

/** IPv4 or IPv6. */
export type Family = 4 | 6;

/** The addresses of a name. */
export interface LookupAnswer {
  /** IPv4 and IPv6 literals, in the resolver's order of preference. */
  readonly addresses: readonly string[];
  /** Smallest time to live of the records; 0 = unknown or not to be kept. */
  readonly ttlSeconds: number;
  /** Families that nothing was learned of: their question failed, or had no response in time. Left out = none. */
  readonly unknown?: readonly Family[];
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
  /**
   * @param host with a dot at its end it is complete: no search domain is added to it.
   * @param complete it is so without a dot.
   */
  lookup(host: string, complete?: boolean): Promise<LookupAnswer>;
  srv(name: string): Promise<SrvAnswer>;
}

/** Without the dot that only says that the name is complete. */
export function hostnameOf(name: string): string {
  return name.replace(/\.$/, "");
}

/** The second family may take so much longer than the first; then what is known of it stays as it is. */
const OTHER_FAMILY_MS = 1_000;
/** How long one channel is used. */
const CHANNEL_MS = 100;

/** What the question for one family came to. `undefined` = the response is that there are none. */
type FamilyAnswer = readonly { readonly address: string; readonly ttl: number }[] | undefined;

/**
 * Asks the system. Found by experiment with Bun 1.4.5:
 * - `node:dns` `lookup` goes through getaddrinfo: it knows /etc/hosts and nsswitch, but no times to live.
 * - `Bun.dns.lookup` with the backend `c-ares` knows all of it, but a response without records stays in its cache for up to
 *   an hour, and so does one with records, whatever `DNS_MAX_TTL_SECONDS` says; and of two families of which one fails it
 *   returns the other without a word.
 * - So the questions are asked one by one on a `Resolver`, whose cache is its own and ends with it; /etc/hosts and search
 *   domains, which the short names of containers need, are ours to see to (`LocalNames`), and getaddrinfo is asked for
 *   what cannot be found (mDNS, LDAP and whatever else nsswitch knows).
 * - `resolveSrv` reports no time to live.
 * - `Resolver({timeout, tries})` is not honoured exactly, so discovery puts a deadline of its own on every question.
 */
export class SystemResolver implements Resolver {
  readonly #local: LocalNames;
  #channel: InstanceType<typeof dns.Resolver> | undefined;

  constructor(local = new LocalNames()) {
    this.#local = local;
  }

  async lookup(host: string, complete = false): Promise<LookupAnswer> {
    const name = hostnameOf(host);
    const own = this.#local.addressesOf(name);
    if (own.length > 0) return { addresses: own, ttlSeconds: 0 };
    const isComplete = complete || name !== host;
    try {
      for (const candidate of isComplete ? [name] : this.#local.candidates(name)) {
        const found = await this.#ask(candidate);
        if (found !== undefined) return found;
      }
    } catch (error) {
      return await askOthers(name, isComplete).catch(() => Promise.reject(error));
    }
    return askOthers(name, isComplete);
  }

  async srv(name: string): Promise<SrvAnswer> {
    const records = await this.#open().resolveSrv(name);
    return {
      records: records.map(({ name, port, priority, weight }) => ({ name, port, priority, weight })),
      ttlSeconds: 0,
    };
  }

  /** `undefined` = there is no such name. Rejects when that is not known. */
  async #ask(name: string): Promise<LookupAnswer | undefined> {
    const channel = this.#open();
    const v4 = asFamily(channel.resolve4(name, { ttl: true }));
    const v6 = asFamily(channel.resolve6(name, { ttl: true }));
    const [four, six] = await Promise.allSettled([unlessLate(v4, v6), unlessLate(v6, v4)]);
    const records = [four, six].flatMap((answer) => (answer.status === "fulfilled" ? (answer.value ?? []) : []));
    if (records.length === 0) {
      for (const answer of [four, six]) if (answer.status === "rejected") throw answer.reason;
      return undefined;
    }
    const unknown: Family[] = [];
    if (four.status === "rejected") unknown.push(4);
    if (six.status === "rejected") unknown.push(6);
    return {
      addresses: [...new Set(records.map(({ address }) => address))],
      ttlSeconds: records.reduce((least, { ttl }) => Math.min(least, ttl), Number.POSITIVE_INFINITY),
      unknown,
    };
  }

  /** A channel whose cache is younger than `CHANNEL_MS`: many questions at once share its sockets. */
  #open(): InstanceType<typeof dns.Resolver> {
    if (this.#channel !== undefined) return this.#channel;
    const channel = new dns.Resolver();
    const servers = getServers();
    if (servers.length > 0) channel.setServers(servers);
    this.#channel = channel;
    setTimeout(() => {
      this.#channel = undefined;
    }, CHANNEL_MS).unref();
    return channel;
  }
}

/** The one that the product uses. */
export const systemResolver: Resolver = new SystemResolver();

/** Whoever else nsswitch knows. */
async function askOthers(name: string, complete: boolean): Promise<LookupAnswer> {
  const found = await Bun.dns.lookup(complete ? `${name}.` : name, { backend: "getaddrinfo" });
  return { addresses: [...new Set(found.map(({ address }) => address))], ttlSeconds: 0 };
}

/** No records are a response; a server that fails or is silent is none. */
async function asFamily(question: Promise<{ address: string; ttl: number }[]>): Promise<FamilyAnswer> {
  try {
    return await question;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOTFOUND" || code === "ENODATA") return undefined;
    throw error;
  }
}

/** What `question` comes to, if it does so soon enough after the `other` one has brought records. */
function unlessLate(question: Promise<FamilyAnswer>, other: Promise<FamilyAnswer>): Promise<FamilyAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<FamilyAnswer>();
  let timer: Timer | undefined;
  question.then(resolve, reject).finally(() => clearTimeout(timer));
  other.then(
    (records) => {
      if (records === undefined) return;
      timer = setTimeout(() => reject(new Error("no answer in time")), OTHER_FAMILY_MS);
      question.catch(() => {}).finally(() => clearTimeout(timer));
    },
    () => {},
  );
  return promise;
}
