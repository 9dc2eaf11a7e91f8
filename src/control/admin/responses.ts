/** Responses of the admin API: JSON; of errors the problem details of RFC 9457. */
import { shortened } from "../../shared/shortened.ts";

const JSON_HEADERS = {
  "content-type": "application/json; charset=utf-8",
  "cache-control": "no-store",
} as const;

/** For what is refused now and may be answered in a second. */
export const RETRY_SOON = { "retry-after": "1" } as const;

/** A JSON response that nobody may keep. */
export function json(body: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(JSON.stringify(body), { status, headers: { ...JSON_HEADERS, ...headers } });
}

/** As `json`, for a body that is JSON already and may be shared. */
export function jsonBlob(body: Blob): Response {
  return new Response(body, { headers: JSON_HEADERS });
}

/** One thing that is wrong with what was sent. */
export interface Problem {
  /** Where: `weight`, `servers.0.url`; empty = in all of it. */
  readonly at: string;
  readonly message: string;
}

/** The titles of RFC 9457, by status: as HTTP has them, for `type` is `about:blank`. */
const TITLES: Readonly<Record<number, string>> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  409: "Conflict",
  412: "Precondition Failed",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  422: "Unprocessable Content",
  428: "Precondition Required",
  429: "Too Many Requests",
  500: "Internal Server Error",
  503: "Service Unavailable",
};

/** A refusal repeats what was sent: so much of it, whoever has put the sentence together. */
const MOST_DETAIL = 4_096;
const MOST_MESSAGE = 1_024;
const MOST_PLACE = 256;
const MOST_PROBLEMS = 100;

/** A refusal, thrown by whatever finds the reason and answered in one place. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  /** A word for machines: `not_found`. */
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;
  /** One by one, where several things may be wrong: the first of them. */
  readonly problems: readonly Problem[];

  constructor(
    status: number,
    code: string,
    message: string,
    headers: Readonly<Record<string, string>> = {},
    problems: readonly Problem[] = [],
  ) {
    super(shortened(message, MOST_DETAIL));
    this.status = status;
    this.code = code;
    this.headers = headers;
    this.problems = problems.slice(0, MOST_PROBLEMS).map(({ at, message: what }) => ({
      at: shortened(at, MOST_PLACE),
      message: shortened(what, MOST_MESSAGE),
    }));
  }

  toResponse(): Response {
    const { status, code, message: detail, problems } = this;
    const body = {
      type: "about:blank",
      title: TITLES[status] ?? String(status),
      status,
      detail,
      code,
      ...(problems.length === 0 ? {} : { errors: problems }),
    };
    return json(body, status, { "content-type": "application/problem+json; charset=utf-8", ...this.headers });
  }
}
