/**
 * How often wrong tokens are answered as such. It does not keep anybody out: a right token is always taken, also from an
 * address that has tried wrong ones. Who has 256 random bits to guess gains nothing by trying fast, but an operator who
 * shares an address (NAT, a proxy) with whoever tries must not be locked out when it matters. What it saves is what
 * failures cost: lines of the log, and the attention of those who read them.
 */
import ipaddr from "ipaddr.js";

/** Failures in a row that an address has, and how long it takes until it has one more. */
const PER_ADDRESS = { most: 10, everyMs: 6_000 } as const;
/** The same of all addresses together: tries from many addresses are few all the same. */
const OVERALL = { most: 100, everyMs: 100 } as const;
/** Addresses that are remembered; the one that failed longest ago is forgotten first. */
export const MAX_ADDRESSES = 1024;

interface Bucket {
  left: number;
  atMs: number;
}

type Rate = typeof PER_ADDRESS | typeof OVERALL;

export class FailureLimit {
  readonly #nowMs: () => number;
  readonly #addresses = new Map<string, Bucket>();
  readonly #overall: Bucket = { left: OVERALL.most, atMs: Number.NEGATIVE_INFINITY };

  /** @param nowMs monotonic, milliseconds. */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Counts a failure. How long the next ones are too many, milliseconds; 0 = this one was not. */
  count(client: string): number {
    const nowMs = this.#nowMs();
    const key = addressKey(client);
    const bucket = this.#addresses.get(key) ?? { left: PER_ADDRESS.most, atMs: nowMs };
    this.#addresses.delete(key);
    this.#addresses.set(key, bucket);
    if (this.#addresses.size > MAX_ADDRESSES) {
      for (const oldest of this.#addresses.keys()) {
        this.#addresses.delete(oldest);
        break;
      }
    }
    return Math.max(take(bucket, PER_ADDRESS, nowMs), take(this.#overall, OVERALL, nowMs));
  }

  /** Addresses that are remembered. */
  get size(): number {
    return this.#addresses.size;
  }
}

function take(bucket: Bucket, { most, everyMs }: Rate, nowMs: number): number {
  bucket.left = Math.min(most, bucket.left + (nowMs - bucket.atMs) / everyMs);
  bucket.atMs = nowMs;
  if (bucket.left >= 1) {
    bucket.left--;
    return 0;
  }
  return (1 - bucket.left) * everyMs;
}

/** Of IPv6 the /64: whoever has one address there has them all. */
function addressKey(client: string): string {
  if (!ipaddr.isValid(client)) return client;
  const address = ipaddr.process(client);
  return address instanceof ipaddr.IPv6 ? `${address.parts.slice(0, 4).join(":")}::/64` : address.toString();
}
