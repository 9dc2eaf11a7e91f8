/** What happened, as the time line has it: the event `event` of `GET /api/v1/live`, and `GET /api/v1/timeline`. */

/** Something that happened, once. */
export interface TimelineEvent {
  /** `<run>-<number>`: grows by one with each event of a run; `id:` of the stream, and what `Last-Event-ID` names. */
  readonly id: string;
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
  /** Id of the last event of all, also of those that the filters left out: `Last-Event-ID` of a stream that goes on from here. */
  readonly last_id: string;
  /** So many older ones there were that are not remembered. */
  readonly forgotten: number;
}
