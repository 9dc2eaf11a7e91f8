/** What happened, as the time line has it: the event `event` of `GET /api/v1/live`, and `GET /api/v1/timeline`. */

/** Something that happened, once. */
export interface TimelineEvent {
  /** Grows by one with each event of this run; `id:` of the stream, and what `Last-Event-ID` names. */
  readonly number: number;
  /** ISO 8601. */
  readonly at: string;
  /** `health`, `ejection`, `reload`, `change`, `verdict`, `degraded`, `process`, …: those of `GET /api/v1/events`. */
  readonly kind: string;
  /** Empty = of the whole instance. */
  readonly pool: string;
  /** `host:port` as configured; empty = of no server. */
  readonly server: string;
  readonly address: string;
  /** Who did it: `balancer`, `SIGHUP`, `admin API (deploy, 10.0.0.7)`, `store`, `discovery`. */
  readonly actor: string;
  /** One sentence. */
  readonly message: string;
  /** Anything that JSON can say. */
  readonly detail: unknown;
}

/** `GET /api/v1/timeline`: the newest first. */
export interface Timeline {
  readonly events: readonly TimelineEvent[];
  /** Number of the last event of all, also of those that the filters left out. */
  readonly last: number;
  /** Older ones were there, and are not remembered. */
  readonly forgotten: number;
}
