/** What operators change of a rate limit. */

/** As the configuration writes it. */
export interface RateLimitTerms {
  /** `enforce`, `dry_run` or `off`. */
  readonly mode: string;
  /** Requests in a period, `100/s`; `null` = requests at once are limited. */
  readonly rate: string | null;
  /** How many may come at once; `null` likewise. */
  readonly burst: number | null;
  /** Requests at once; `null` = requests in a period are limited. */
  readonly concurrent: number | null;
}
