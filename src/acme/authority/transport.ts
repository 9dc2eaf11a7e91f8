/**
 * How a CA is spoken to: each question has its time, of each answer so much is read, nothing is redirected, and nothing but https is
 * spoken. It takes the place of the library's own transport, which retries by itself, for as long as a CA tells it to.
 */
import type { AxiosAdapter, AxiosHeaders, InternalAxiosRequestConfig } from "axios";
import { retryAfterMs } from "../schedule.ts";
import { CaError, describeProblem, kindOf, shown } from "./problem.ts";

/** One question. */
const QUESTION_MS = 30_000;
/** A chain of ten large certificates has some 30 KB, a directory 2 KB. */
const MAX_ANSWER_BYTES = 256 * 1024;

/** What it is made from. */
export interface TransportOptions {
  /** PEM texts of whom the CA's own certificate may be signed by; null = the system's. */
  readonly caPem: string | null;
  readonly userAgent: string;
  readonly fetch: typeof fetch;
  readonly wallMs: () => number;
  /** Default 30 seconds. */
  readonly questionMs?: number;
}

/** Speaks to one CA, for one order after the other. */
export class Transport {
  readonly #options: TransportOptions;
  #cut: AbortSignal = new AbortController().signal;

  constructor(options: TransportOptions) {
    this.#options = options;
  }

  /** Whatever is asked from now on ends with it. */
  begin(cut: AbortSignal): void {
    this.#cut = cut;
  }

  /** For the library. It rejects with a `CaError`; of answers the library judges what may be tried again (`badNonce`). */
  readonly adapter: AxiosAdapter = async (config) => {
    const url = config.url ?? "";
    if (!url.startsWith("https://")) {
      throw new CaError(`the CA names an address that is not https: ${shown(url)}`);
    }
    const response = await this.#ask(url, config);
    const text = await this.#read(url, response);
    const { status, statusText, headers } = response;
    this.#judge(url, status, headers, text);
    const fields = Object.fromEntries(headers.entries()) as unknown as AxiosHeaders;
    return { data: text, status, statusText, headers: fields, config, request: null };
  };

  async #ask(url: string, { method, headers, data }: InternalAxiosRequestConfig): Promise<Response> {
    const { fetch, caPem, userAgent, questionMs = QUESTION_MS } = this.#options;
    try {
      return await fetch(url, {
        method: (method ?? "get").toUpperCase(),
        headers: { ...(headers.toJSON() as Record<string, string>), "user-agent": userAgent },
        body: data as string | undefined,
        redirect: "manual",
        signal: AbortSignal.any([this.#cut, AbortSignal.timeout(questionMs)]),
        ...(caPem === null ? {} : { tls: { ca: caPem } }),
      });
    } catch (error) {
      throw this.#unreached(url, error);
    }
  }

  async #read(url: string, response: Response): Promise<string> {
    const parts: Uint8Array[] = [];
    let bytes = 0;
    try {
      for await (const part of response.body ?? []) {
        bytes += part.length;
        if (bytes > MAX_ANSWER_BYTES) {
          throw new CaError(`the CA answers with more than ${MAX_ANSWER_BYTES / 1024} KB: ${placeOf(url)}`);
        }
        parts.push(part);
      }
    } catch (error) {
      throw error instanceof CaError ? error : this.#unreached(url, error);
    }
    return Buffer.concat(parts).toString("utf8");
  }

  /** Redirects and refusals are told in words of our own; only what the library tries again by itself is left to it. */
  #judge(url: string, status: number, headers: Headers, text: string): void {
    if (status >= 300 && status < 400) {
      throw new CaError(`the CA redirects (${status}), which is not followed: ${placeOf(url)}`);
    }
    if (status < 400) return;
    const problem = parsed(text);
    const kind = kindOf(problem);
    if (status === 400 && kind === "badNonce") return;
    const rateLimited = status === 429 || kind === "rateLimited";
    const after = retryAfterMs(headers.get("retry-after"), this.#options.wallMs());
    const why = problem === null ? text.slice(0, 200) : describeProblem(problem);
    const who = rateLimited
      ? "the CA says that it is asked too often"
      : status < 500
        ? "the CA refuses"
        : "the CA fails";
    throw new CaError(`${who} (${status}): ${why}`, { kind, rateLimited, retryAfterMs: after });
  }

  #unreached(url: string, error: unknown): CaError {
    const { name, message, code } = error as Error & { readonly code?: string };
    const why = name === "TimeoutError" ? "no answer in time" : [code, message].filter(Boolean).join(": ");
    return new CaError(`the CA cannot be reached at ${placeOf(url)}: ${why}`);
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Host and port: paths name accounts and orders. */
function placeOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : shown(url);
}
