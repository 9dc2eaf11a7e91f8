/**
 * What the supervisor and the process that gets certificates (ACME, RFC 8555) tell each other over the IPC channel, and workers of
 * challenges. Messages are JSON. Keys of certificates never pass here: they go by files alone.
 */

/** How a CA is shown that a name is ours. */
export const ACME_CHALLENGES = ["http-01", "tls-alpn-01"] as const;
/** One of them. */
export type AcmeChallenge = (typeof ACME_CHALLENGES)[number];

/** What keys are made. */
export const ACME_KEY_TYPES = ["ecdsa", "rsa"] as const;
/** One of them. */
export type AcmeKeyType = (typeof ACME_KEY_TYPES)[number];

/** The settings of that process. */
export interface AcmeSettings {
  /** Each gets a certificate of its own. Lower case. */
  readonly domains: readonly string[];
  readonly directoryUrl: string;
  /** Told to the CA; null = none. */
  readonly email: string | null;
  readonly challenge: AcmeChallenge;
  readonly keyType: AcmeKeyType;
  /** PEM texts of whom the CA's own certificate may be signed by; null = the system's. */
  readonly caPem: string | null;
  /** What binds the account to one that the CA knows (RFC 8555 section 7.3.4). Secret. */
  readonly externalAccount: { readonly keyId: string; readonly hmacKey: string } | null;
  /** Where accounts, certificates and challenges are kept; absolute. */
  readonly directory: string;
}

/** What is answered to a CA that asks for it, while it may ask. */
export type PendingChallenge =
  /** `/.well-known/acme-challenge/<token>` is answered with `keyAuthorization` (RFC 8555 section 8.3). */
  | { readonly kind: "http-01"; readonly token: string; readonly keyAuthorization: string }
  /** A handshake for `name` that offers `acme-tls/1` gets this certificate (RFC 8737). Its key is worth nothing elsewhere. */
  | { readonly kind: "tls-alpn-01"; readonly name: string; readonly certPem: string; readonly keyPem: string };

/** More than these are not answered: orders are made one after the other. */
export const MAX_PENDING_CHALLENGES = 64;

/** `waiting` for its time, `ordering`, or `failing`: the last try went wrong, and another comes. */
export type AcmeState = "waiting" | "ordering" | "failing";

/** What is known of the certificate of one name. Times in milliseconds since the epoch. */
export interface AcmeCertificate {
  /** The DNS name. */
  readonly name: string;
  readonly state: AcmeState;
  /** Until when the one that we have is valid; null = there is none yet. */
  readonly expiresAtMs: number | null;
  /** When it is asked for (again); null = now. */
  readonly nextTryAtMs: number | null;
  /** Tries that went wrong since the last one that did not. */
  readonly failures: number;
  /** What went wrong last, visible text; null since it went well. */
  readonly lastError: { readonly atMs: number; readonly message: string } | null;
}

/** Tries since the process began. */
export interface AcmeCounts {
  readonly success: number;
  readonly failure: number;
}

/** What that process is started with. */
export interface AcmeStart {
  readonly type: "start";
  readonly logFormat: "json" | "text";
  readonly logLevel: string;
  readonly settings: AcmeSettings;
}

/** What the supervisor tells it. */
export type ToAcme =
  | AcmeStart
  /** Workers answer what message `version` had. */
  | { readonly type: "served"; readonly version: number }
  /** Somebody wants a new certificate now. */
  | { readonly type: "renew"; readonly name: string }
  | { readonly type: "log"; readonly level: string; readonly format: "json" | "text" }
  /** Let go of what is held, and exit with 0. */
  | { readonly type: "drain" };

/** What it tells the supervisor. */
export type FromAcme =
  | { readonly type: "ready" }
  | { readonly type: "failed"; readonly message: string }
  /** It is alive. */
  | { readonly type: "alive"; readonly rssBytes: number; readonly openDescriptors: number }
  /** All challenges that are to be answered from now on. */
  | { readonly type: "challenges"; readonly version: number; readonly pending: readonly PendingChallenge[] }
  /** What is known of all certificates. */
  | { readonly type: "state"; readonly certificates: readonly AcmeCertificate[]; readonly counts: AcmeCounts }
  /** A new certificate is in its file. */
  | { readonly type: "issued"; readonly name: string; readonly expiresAtMs: number; readonly by: string }
  /** A try went wrong. */
  | { readonly type: "refused"; readonly name: string; readonly message: string; readonly nextTryAtMs: number };
