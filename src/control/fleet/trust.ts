/** What checks of HTTPS servers are made with. */
import type { SecureContext } from "node:tls";
import { probeTrust } from "../../health/probe/probe.ts";
import type { FleetOptions } from "./options.ts";

/** Authorities, and the certificate that servers are shown. `undefined` = the usual ones, and none. Throws on a malformed PEM. */
export function probeTrustOf({ upstreamCaPem, upstreamCertificate }: FleetOptions): SecureContext | undefined {
  return probeTrust(upstreamCaPem, upstreamCertificate);
}

/** Makes each once for all fleets of an instance: a bundle of authorities takes milliseconds and megabytes. */
export class SharedTrust {
  #made = new Map<string, SecureContext | undefined>();

  /** As `probeTrustOf`. */
  of(options: FleetOptions): SecureContext | undefined {
    const key = keyOf(options);
    if (!this.#made.has(key)) this.#made.set(key, probeTrustOf(options));
    return this.#made.get(key);
  }

  /** Forgets what no fleet has. */
  keepOnly(all: readonly FleetOptions[]): void {
    const keys = new Set(all.map(keyOf));
    this.#made = new Map([...this.#made].filter(([key]) => keys.has(key)));
  }
}

function keyOf({ upstreamCaPem, upstreamCertificate }: FleetOptions): string {
  return JSON.stringify([upstreamCaPem, upstreamCertificate ?? null]);
}
