/** How many connections may be open, in all and of one client: counted over all workers in the shared memory. */
import ipaddr from "ipaddr.js";
import { hashString } from "../../balancing/hash.ts";
import {
  CLIENT_BUCKETS,
  Header,
  type SharedMemory,
  type WorkerBlock,
} from "../../shared/memory/layout/shared-memory.ts";
import { WorkerCounter } from "../../shared/memory/layout/worker-counters.ts";
import type { TrustedProxies } from "../rewrite/trusted-proxies.ts";

/** What becomes of a new connection. */
export const Admission = {
  SERVE: 0,
  /** Over a limit: it gets health and metrics, and 503 for everything else. */
  SHED: 1,
  /** Far over a limit: not even that. */
  RESET: 2,
} as const;
export type Admission = (typeof Admission)[keyof typeof Admission];

/** Connections beyond the total limit that still get a response. */
const SHED_MARGIN = 256;

/** The limits in force. */
export interface ConnectionLimitSettings {
  /** 0 = no limit. */
  readonly maxConnections: number;
  /** 0 = no limit. */
  readonly maxConnectionsPerClient: number;
}

export class ConnectionLimits {
  readonly #memory: SharedMemory;
  readonly #own: WorkerBlock;

  constructor(memory: SharedMemory, own: WorkerBlock) {
    this.#memory = memory;
    this.#own = own;
  }

  /** Decides on a connection that is about to be counted. `bucket` is what `enter` returned for it. */
  admit(settings: ConnectionLimitSettings, bucket: number): Admission {
    const { maxConnections, maxConnectionsPerClient } = settings;
    if (maxConnections > 0) {
      const open = this.#openConnections();
      if (open >= maxConnections + SHED_MARGIN) return Admission.RESET;
      if (open >= maxConnections) return Admission.SHED;
    }
    if (bucket >= 0 && maxConnectionsPerClient > 0) {
      const ofClient = this.#memory.clientConnections[bucket];
      if (ofClient > 2 * maxConnectionsPerClient) return Admission.RESET;
      if (ofClient > maxConnectionsPerClient) return Admission.SHED;
    }
    return Admission.SERVE;
  }

  /** Counts a client's connection. Returns what `leave` takes, -1 when this client is not counted. */
  enter(settings: ConnectionLimitSettings, address: string, trusted: TrustedProxies): number {
    if (settings.maxConnectionsPerClient === 0 || trusted.includes(address)) return -1;
    const bucket = hashString(clientKey(address)) & (CLIENT_BUCKETS - 1);
    this.#own.ownClientConnections[bucket]++;
    Atomics.add(this.#memory.clientConnections, bucket, 1);
    return bucket;
  }

  leave(bucket: number): void {
    if (bucket < 0) return;
    Atomics.sub(this.#memory.clientConnections, bucket, 1);
    this.#own.ownClientConnections[bucket]--;
  }

  #openConnections(): number {
    const { workers, header } = this.#memory;
    const blocks = header[Header.WORKER_BLOCKS];
    let open = 0;
    for (let i = 0; i < blocks; i++) open += workers[i].counters[WorkerCounter.CONNECTIONS_OPEN];
    return open;
  }
}

/** One household or host is one client: an IPv4 address, or the /64 of an IPv6 address. */
function clientKey(address: string): string {
  if (!address.includes(":")) return address;
  const parsed = ipaddr.process(address);
  if (parsed.kind() === "ipv4") return parsed.toString();
  return (parsed as ipaddr.IPv6).parts.slice(0, 4).join(":");
}
