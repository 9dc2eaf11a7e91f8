/** What workers are told of a pool of servers. */
import type { GivenTo } from "../config/given.ts";

/** The name of the pool that `SERVERS` alone makes. */
export const DEFAULT_POOL = "default";

/** What holds for one request: its pool's, unless its route has a value of its own. Times in milliseconds. */
export type RequestSettings = GivenTo<"request">;

/** A certificate of this proxy's with its key, as PEM texts. */
export interface ClientCertificate {
  readonly certPem: string;
  readonly keyPem: string;
}

/** One pool; a frozen, JSON-safe extract of the configuration. Times in milliseconds. */
export interface PoolSettings extends GivenTo<"pool"> {
  /** Its row in the shared memory's table of pools. */
  readonly row: number;
  readonly name: string;
  /** Of requests to it, where their route says nothing. */
  readonly request: RequestSettings;
  /** How many requests each of its servers works on at once is learned, and further ones are held (balancing/holding/). */
  readonly learnsLimits: boolean;
  /** Classes of requests are told apart, what they cost is learned, and load counts as expected work (request-work.ts). */
  readonly requestClasses: boolean;
  /** Failures in a row that eject a server: workers pass it over from then on (`FailingServers`); 0 = off. */
  readonly outlierConsecutiveFailures: number;
  /** PEM bundle that HTTPS servers are verified against, beside the system's; empty = the system's only. */
  readonly upstreamCaPem: string;
  /** What servers are shown that ask for a certificate; checked. */
  readonly upstreamCertificate: ClientCertificate | null;
}
