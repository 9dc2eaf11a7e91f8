/** Asks the admin API: the token goes along, refusals become sentences, ETags are remembered by whoever asks. */
import { ApiProblem, problemOf } from "./problem.ts";

/** One answer. */
export interface Answer<T> {
  readonly body: T;
  readonly etag: string | null;
}

/** What a change takes along. */
export interface ChangeOptions {
  readonly ifMatch?: string | null;
  /** Only say what would happen. */
  readonly dryRun?: boolean;
  /** For this run only. */
  readonly keep?: boolean;
  /** For this instance alone, where several share changes. */
  readonly hereOnly?: boolean;
}

/** Methods that change. */
export type ChangeMethod = "POST" | "PATCH" | "DELETE";

const DEADLINE_MS = 20_000;

export class ApiClient {
  readonly #token: () => string | null;
  readonly #refused: (problem: ApiProblem) => void;

  /** @param refused hears of every 401, so that a token is asked for in one place. */
  constructor(token: () => string | null, refused: (problem: ApiProblem) => void) {
    this.#token = token;
    this.#refused = refused;
  }

  /** Throws `ApiProblem`. @param deadlineMs for what takes the instance longer than usual. */
  async get<T>(path: string, signal?: AbortSignal, deadlineMs?: number): Promise<Answer<T>> {
    return this.#ask<T>(path, { method: "GET", signal }, deadlineMs);
  }

  /** Throws `ApiProblem`. `dry_run`, `keep` and `scope` go as a query, `If-Match` as a field. */
  async change<T>(
    method: ChangeMethod,
    path: string,
    body: object | null,
    options: ChangeOptions = {},
  ): Promise<Answer<T>> {
    const { ifMatch, dryRun = false, keep = true, hereOnly = false } = options;
    const query = [
      ...(dryRun ? ["dry_run=true"] : []),
      ...(keep ? [] : ["keep=false"]),
      ...(hereOnly ? ["scope=instance"] : []),
    ].join("&");
    const address = query === "" ? path : `${path}${path.includes("?") ? "&" : "?"}${query}`;
    const headers: Record<string, string> = { "content-type": "application/json" };
    if (typeof ifMatch === "string") headers["if-match"] = ifMatch;
    return this.#ask<T>(address, { method, headers, body: body === null ? undefined : JSON.stringify(body) });
  }

  /** A response whose body the caller reads: the stream, a bundle. Throws `ApiProblem` for all but 2xx. */
  async open(path: string, headers: Readonly<Record<string, string>>, signal?: AbortSignal): Promise<Response> {
    return this.#fetch(path, { headers, signal });
  }

  async #ask<T>(path: string, init: RequestInit, deadlineMs = DEADLINE_MS): Promise<Answer<T>> {
    const deadline = AbortSignal.timeout(deadlineMs);
    const signal = init.signal ? AbortSignal.any([init.signal, deadline]) : deadline;
    const response = await this.#fetch(path, { ...init, signal });
    const text = await response.text();
    return { body: (text === "" ? null : JSON.parse(text)) as T, etag: response.headers.get("etag") };
  }

  async #fetch(path: string, init: RequestInit): Promise<Response> {
    const token = this.#token();
    const headers = new Headers(init.headers);
    headers.set("accept", headers.get("accept") ?? "application/json");
    if (token !== null) headers.set("authorization", `Bearer ${token}`);
    let response: Response;
    try {
      response = await fetch(path, { ...init, headers, credentials: "omit", cache: "no-store" });
    } catch (error) {
      if (init.signal?.aborted === true && (error as Error).name === "AbortError") throw error;
      throw new ApiProblem(0, "unreachable", "no answer came");
    }
    if (response.ok) return response;
    const problem = problemOf(response.status, await response.text().catch(() => ""));
    if (problem.status === 401) this.#refused(problem);
    throw problem;
  }
}
