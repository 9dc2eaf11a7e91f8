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

/** One setting that may be changed at run time. */
export interface ChangeableSetting {
  readonly name: string;
  readonly key?: string;
  readonly value: unknown;
  readonly configured?: unknown;
  readonly origin?: string;
  readonly unit?: string | null;
  readonly range?: string | null;
  /** Words that it may be; missing for numbers and texts. */
  readonly values?: readonly string[] | null;
  readonly description?: string;
  readonly changeable?: boolean;
}

/** `GET /api/v1/pools/<name>`. */
export interface PoolDetails {
  readonly name: string;
  readonly strategy: string;
  readonly options?: readonly ChangeableSetting[];
}

/** `GET /api/v1/settings`. */
export interface SettingsAnswer {
  readonly settings: readonly ChangeableSetting[];
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
  readonly in_force?: boolean;
  /** In words, where the API says it. */
  readonly description?: string;
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
}

/** What a change, or the trial of one, is answered with where it says more than the resource. */
export interface ChangeAnswer {
  readonly before?: unknown;
  readonly after?: unknown;
  readonly warnings?: readonly string[];
}

/** What the simulator expects of one strategy. */
export interface Expectation {
  readonly strategy: string;
  readonly mean_ms?: Estimate | null;
  readonly p50_ms?: Estimate | null;
  readonly p99_ms?: Estimate | null;
  readonly note?: string;
}

/** A figure with the bounds of its confidence. */
export type Estimate = number | { readonly value: number; readonly low: number; readonly high: number };
