/** What is known of certificates by ACME: written by whoever keeps the process, read by status, metrics and the admin API. */
import type { AcmeCertificate, AcmeChallenge, AcmeCounts } from "../../../protocol/acme.ts";
import type { Acme } from "./acme.ts";

/** So many tries in a row may go wrong while the certificate that there is still holds. */
const TOLERATED = 2;
const NOTHING: AcmeCounts = { success: 0, failure: 0 };

/** One instance's. */
export class AcmeStatus {
  /** Program and arguments before the name of a process of ours. */
  readonly program: readonly string[];
  /** Looks whether files of certificates were replaced. */
  readonly lookAtFiles: () => Promise<void>;
  /** `null` while none was ever wanted. */
  process: Acme | null = null;
  /** How it is shown that names are ours. */
  challenge: AcmeChallenge = "http-01";
  /** In the order of `ACME_DOMAINS`; empty while none are wanted. */
  certificates: readonly AcmeCertificate[] = [];
  #ended = NOTHING;
  #present = NOTHING;

  constructor(program: readonly string[], lookAtFiles: () => Promise<void>) {
    this.program = program;
    this.lookAtFiles = lookAtFiles;
  }

  /** Tries since the instance began. */
  get counts(): AcmeCounts {
    const [a, b] = [this.#ended, this.#present];
    return { success: a.success + b.success, failure: a.failure + b.failure };
  }

  /** The process counts from 0. */
  count(counts: AcmeCounts): void {
    this.#present = counts;
  }

  /** The process has ended: the next one begins anew. */
  endCount(): void {
    this.#ended = this.counts;
    this.#present = NOTHING;
  }

  /** Some certificate cannot be had, and clients see that or will. */
  get degraded(): boolean {
    return this.certificates.some(
      ({ state, failures, expiresAtMs }) => (state === "failing" && expiresAtMs === null) || failures > TOLERATED,
    );
  }
}
