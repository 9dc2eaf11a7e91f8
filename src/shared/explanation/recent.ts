/** Requests of late, as memory has them: the bodies of `GET /api/v1/requests` and `GET /api/v1/errors`. Times of day are ISO 8601. */

/** Which of the memories has it: failed and slow ones are kept longest. */
export type KeptAs = "usual" | "slow" | "failed";

/** A request that is over. */
export interface RecentRequest {
  /** Cut after 40 bytes where it is a peer's; `GET /api/v1/explain/<id>` also takes all of it. */
  readonly request_id: string;
  readonly began_at: string;
  /** First byte of the request to the last of the response. */
  readonly duration_ms: number;
  /** In queues. */
  readonly waited_ms: number;
  readonly worker: number;
  /** `null` = it was refused before there was one, or it is not known any more. */
  readonly route: string | null;
  /** `null` = no server was to be asked. */
  readonly pool: string | null;
  readonly method: string;
  /** Without its query; cut after 48 bytes, of failed and slow ones after 128. */
  readonly path: string;
  /** Address of the client, of failed and slow ones. */
  readonly client: string | null;
  /** 499 = the client left before it was answered. */
  readonly status: number;
  /** Code of what went wrong (docs/operations.md#errors-with-a-code); `server_error` = the server's own 5xx; `null` = nothing. */
  readonly failure: string | null;
  /** Field `Proxy-Status` of the response, as it was sent; `null` = it had none of ours. */
  readonly proxy_status: string | null;
  readonly kept_as: KeptAs;
  /** Whose response was the client's, or which was asked last; `null` = none. */
  readonly server: string | null;
  readonly server_id: number | null;
  readonly strategy: string | null;
  /** How that server came to be chosen: a `ChoiceWord` of explanation.ts. */
  readonly choice: string | null;
  readonly attempt_count: number;
  /** How many like it this one stands for: of usual ones, and of refusals that clients bring upon themselves, a part may be kept. */
  readonly stands_for: number;
}

/** How far back memory goes. */
export interface ExplainMemoryStatus {
  readonly enabled: boolean;
  /** Of usual requests, and of failed and slow ones: since when those are there that are kept; `null` = there are none. */
  readonly usual_since: string | null;
  readonly failed_since: string | null;
  /** One in so many usual requests is kept at present; a whole number. */
  readonly usual_one_in: number;
  /** What takes longer is slow at present; `null` = it is not known yet. */
  readonly slow_ms: number | null;
  /** Taken now, and at most. */
  readonly bytes: number;
  readonly limit_bytes: number;
  /** The same in a sentence. */
  readonly note: string;
}

/** The body of `GET /api/v1/requests`. */
export interface RecentRequests {
  readonly memory: ExplainMemoryStatus;
  /** The newest first. */
  readonly requests: readonly RecentRequest[];
}

/** A request that failed or was refused. */
export interface RecentError extends RecentRequest {
  /** A sentence: what went wrong. */
  readonly message: string;
}

/** The body of `GET /api/v1/errors`. */
export interface RecentErrors {
  readonly memory: ExplainMemoryStatus;
  /** By code, over the last ten minutes or as far back as memory goes; the most frequent first. */
  readonly counts: readonly { readonly code: string; readonly count: number }[];
  readonly counted_since: string | null;
  /** The newest first. */
  readonly errors: readonly RecentError[];
}
