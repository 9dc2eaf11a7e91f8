/** Responses of the admin API: JSON, also for errors: `{"error":{"code","message"}}`. */

const JSON_HEADERS = {
  "content-type": "application/json; charset=utf-8",
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
} as const;

/** A JSON response that nobody may keep. */
export function json(body: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(JSON.stringify(body), { status, headers: { ...JSON_HEADERS, ...headers } });
}

/** As `json`, for a body that is JSON already and may be shared. */
export function jsonBlob(body: Blob): Response {
  return new Response(body, { headers: JSON_HEADERS });
}

/** A refusal, thrown by whatever finds the reason and answered in one place. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  /** A word for machines: `not_found`. */
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, code: string, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }

  toResponse(): Response {
    return json({ error: { code: this.code, message: this.message } }, this.status, this.headers);
  }
}
