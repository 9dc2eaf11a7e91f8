/** What the API answers, as far as the page reads it; whatever may be missing in an answer is marked so. */

/** A server that takes nothing new, on purpose. */
export interface Maintenance {
  readonly reason: string;
  readonly since: string;
  readonly until: string | null;
  readonly by: string;
}

/** `GET /api/v1/servers/<id>`, what the page uses of it. */
export interface ServerDetails {
  readonly id: number;
  readonly url: string;
  /** The address behind a name in the URL. */
  readonly address?: string;
  readonly pool: string;
  readonly state: string;
  readonly state_reason?: string;
  readonly weight: number;
  readonly capacity?: number;
  readonly hard_limit?: number;
  readonly configured_weight: number;
  readonly configured_capacity: number;
  readonly maintenance?: Maintenance | null;
}

/** One setting, of the instance or of a pool. Values are texts, as `.env` has them; `null` = unset. */
export interface SettingView {
  readonly name: string;
  /** As the configuration file calls it. */
  readonly key: string | null;
  readonly section: string;
  readonly value: string | null;
  readonly configured: string | null;
  readonly origin: string;
  /** Id of the override that says so. */
  readonly override: string | null;
  readonly default: string | null;
  readonly type: string;
  /** What it may be, in words. */
  readonly describe: string;
  readonly unit: string | null;
  readonly min: number | null;
  readonly max: number | null;
  readonly words: readonly string[] | null;
  readonly changeable: boolean;
  readonly why_not: string | null;
  readonly description: string;
}

/** `GET /api/v1/pools/<name>`. */
export interface PoolDetails {
  readonly name: string;
  readonly strategy: string;
  readonly strategies: readonly { readonly name: string; readonly description: string }[];
  readonly options: readonly SettingView[];
}

/** `GET /api/v1/settings`. */
export interface SettingsAnswer {
  readonly settings: readonly SettingView[];
}

/** One entry of `GET /api/v1/classes`. */
export interface ShownClass {
  /** `null` = of any: it is the rest. */
  readonly route: string | null;
  readonly method: string | null;
  readonly template: string | null;
  /** In mean requests of the pool; the other two are of the servers where it is least and greatest. */
  readonly cost: number;
  readonly least_cost: number;
  readonly greatest_cost: number;
  /** Standard error as a share of the cost; `null` = too little was measured. */
  readonly cost_error: number | null;
  /** Of the pool's requests and of its expected work, 0 … 1. */
  readonly share: number;
  readonly work_share: number;
  readonly mean_ms: number | null;
  /** Good responses that were learned from. */
  readonly requests: number;
}

/** One entry of `GET /api/v1/overrides`. */
export interface ShownOverride {
  readonly id: string;
  readonly kind: string;
  readonly target: unknown;
  readonly value: unknown;
  readonly configured: unknown;
  readonly by: string;
  readonly client?: string;
  readonly reason: string;
  readonly at: string;
  readonly until?: string | null;
  readonly kept?: boolean;
  /** `instance` = of this one alone. */
  readonly scope?: "cluster" | "instance";
  readonly in_force?: boolean;
  /** In words, where the API says it. */
  readonly description?: string;
}

/** How a certificate by ACME stands. */
export interface ShownAcme {
  readonly state: "waiting" | "ordering" | "failing";
  readonly challenge: string;
  /** `null` = now. */
  readonly next_try_at: string | null;
  readonly failures: number;
  readonly last_error: { readonly at: string; readonly message: string } | null;
}

/** One entry of `GET /api/v1/certificates`. */
export interface ShownCertificate {
  readonly name: string;
  /** `null` = there is none yet. */
  readonly expires_at: string | null;
  /** `null` = it comes from a file. */
  readonly acme: ShownAcme | null;
}

/** One entry of `GET /api/v1/audit`. */
export interface AuditEntry {
  readonly at: string;
  readonly actor: string;
  readonly client?: string;
  readonly action: string;
  readonly target: string;
  readonly before: unknown;
  readonly after: unknown;
  readonly reason: string;
  readonly kept: boolean;
  /** Where it was made, if at another one. */
  readonly instance?: string | null;
}

/** What a change, or the trial of one, is answered with where it says more than the resource. */
export interface ChangeAnswer {
  readonly before?: unknown;
  readonly after?: unknown;
  readonly warnings?: readonly string[];
}
