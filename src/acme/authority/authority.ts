/** A CA, as far as renewals go: asked for the certificate of a name, it gives one or says why not. */
import type { AcmeChallenge, AcmeKeyType, PendingChallenge } from "../../protocol/acme.ts";

/** What is asked for. */
export interface Order {
  readonly name: string;
  readonly challenge: AcmeChallenge;
  readonly keyType: AcmeKeyType;
  /** Ends it. */
  readonly cut: AbortSignal;
  /** Answers the CA from when it resolves until `withdraw`. Rejects when nobody does. */
  present(challenge: PendingChallenge): Promise<void>;
  withdraw(): Promise<void>;
}

/** PEM texts: the certificate with its chain, and the key. */
export interface Issued {
  readonly chainPem: string;
  readonly keyPem: string;
}

/** One CA with one account. */
export interface Authority {
  /** Rejects with a `CaError` or another `Error`, whose message may be shown. */
  order(order: Order): Promise<Issued>;
}
