/** How to speak TLS with clients. */
import type { ClientTls, TlsCertificate } from "../../../protocol/worker.ts";
import type { TimerWheel } from "../timer-wheel.ts";

export interface TlsListening {
  /** At least one; the first serves clients that name no server, or none of ours. */
  readonly certificates: readonly TlsCertificate[];
  /** What CAs are shown that ask for `acme-tls/1` (RFC 8737); null = none asks. */
  readonly challenges: readonly TlsCertificate[] | null;
  /** For ALPN. Who offers others alone is refused (RFC 7301 section 3.2). */
  readonly protocols: readonly string[];
  /** What is negotiated, and whether clients show certificates. */
  readonly terms: ClientTls;
  /** Milliseconds since the epoch, for what certificates say of their time. */
  readonly epochMs: () => number;
  readonly wheel: TimerWheel;
  /** How long a handshake may take, milliseconds, where the runtime tells of a client only behind it. */
  readonly handshakeTimeoutMs: () => number;
  /** How long a client may take nothing of what is left for it when its connection is ended, milliseconds. */
  readonly lastBytesTimeoutMs: () => number;
  /** @param reason of ours; not there = of TLS itself. */
  readonly onHandshakeFailed: (reason?: string) => void;
}
