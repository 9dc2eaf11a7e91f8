/**
 * Overrides: what operators have set at run time, over what is configured. Each says what it replaced, so that a configuration
 * that says something else since can win over it.
 */

import type { CanaryTerms } from "./canary.ts";
import type { RateLimitTerms } from "./rate-limit.ts";
import type { Shares } from "./shares.ts";

/** Of which server: as history calls it, never by the id of one run. */
export interface ServerTarget {
  readonly pool: string;
  /** `host:port` as configured, IPv6 in brackets. */
  readonly server: string;
  /** The address that it is reached at; empty where that says nothing more than `server`. */
  readonly address: string;
}

/** A server that is added to a pool. What is left out is as without a word in the configuration. */
export interface AddedServer {
  /** As an entry of `SERVERS`. */
  readonly url: string;
  readonly weight?: number;
  readonly capacity?: number;
  readonly zone?: string;
  readonly backup?: boolean;
}

/** What an operator may want of a server beside what its checks say. */
export type WantedState = "active" | "drain" | "maintenance";

/** What may be overridden: by kind the target, what is set, and what that replaces. */
export interface OverrideKinds {
  readonly weight: { readonly target: ServerTarget; readonly value: number; readonly configured: number };
  /** Most requests in flight; 0 = not enforced. What is configured is the capacity that is shown. */
  readonly capacity: { readonly target: ServerTarget; readonly value: number; readonly configured: number };
  readonly state: {
    readonly target: ServerTarget;
    readonly value: Exclude<WantedState, "active">;
    readonly configured: "active";
  };
  /** `url` is the canonical one. */
  readonly server_added: {
    readonly target: { readonly pool: string; readonly url: string };
    readonly value: AddedServer;
    readonly configured: null;
  };
  readonly server_removed: {
    readonly target: { readonly pool: string; readonly url: string };
    readonly value: null;
    /** Its URL. */
    readonly configured: string;
  };
  /** `pool` is `null` for the whole instance. Values are texts as `.env` has them; `null` = unset. */
  readonly setting: {
    readonly target: { readonly pool: string | null; readonly setting: string };
    readonly value: string | null;
    readonly configured: string | null;
  };
  readonly split: {
    readonly target: { readonly route: string };
    readonly value: Shares;
    readonly configured: Shares;
  };
  readonly rate_limit: {
    readonly target: { readonly limit: string };
    readonly value: RateLimitTerms;
    readonly configured: RateLimitTerms;
  };
  /** Its shares lie over those of the configuration and of a `split`; what is configured is the route's split. */
  readonly canary: {
    readonly target: { readonly route: string };
    readonly value: CanaryTerms;
    readonly configured: Shares;
  };
}

/** One of them. */
export type OverrideKind = keyof OverrideKinds;

/** What is said of an override of any kind. */
export interface OverrideRecord {
  /** Made of kind and target: there is one override of each. */
  readonly id: string;
  /** As the audit calls who made it. */
  readonly by: string;
  /** Its address; may be empty. */
  readonly client: string;
  /** Why; may be empty. */
  readonly reason: string;
  /** When it was made, milliseconds since the epoch. */
  readonly atMs: number;
  /** When it ends by itself, milliseconds since the epoch; `null` = never. */
  readonly untilMs: number | null;
  /** False = for this run of this instance only. */
  readonly kept: boolean;
  /** Kept by this instance and told to no other; left out = of all instances that share changes. */
  readonly scope?: "instance";
}

/** One override. */
export type OverrideOf<K extends OverrideKind> = OverrideRecord & { readonly kind: K } & OverrideKinds[K];
/** Of any kind. */
export type Override = { [K in OverrideKind]: OverrideOf<K> }[OverrideKind];

/** What an override of any kind is about. */
export type OverrideTarget = { [K in OverrideKind]: Pick<OverrideOf<K>, "kind" | "target"> }[OverrideKind];
