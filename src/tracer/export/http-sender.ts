/** OTLP over HTTP with protocol buffers (OTLP specification, "OTLP/HTTP"). */
import { gzipSync } from "node:zlib";
import type { TracerSettings } from "../../protocol/tracer.ts";
import { readExportResponse } from "../encode/export-response.ts";
import { CollectorWords } from "./collector-words.ts";
import { MAX_RESPONSE_BYTES, type Sender, type SendResult, waitOf } from "./sender.ts";

/** Those that may be tried again (OTLP specification, "Retryable Response Codes"). */
const RETRYABLE: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/** Where requests go, and how. */
export type HttpSenderOptions = Pick<
  TracerSettings,
  "endpoint" | "headers" | "compression" | "caPem" | "certificate"
> & {
  readonly userAgent: string;
  readonly fetch: typeof fetch;
  /** Milliseconds since the epoch: `Retry-After` may be a date. */
  readonly wallMs: () => number;
};

export class HttpSender implements Sender {
  readonly #options: HttpSenderOptions;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #words: CollectorWords;
  readonly #tls: { rejectUnauthorized: true; ca?: string; cert?: string; key?: string };

  constructor(options: HttpSenderOptions) {
    const { headers, compression, caPem, certificate, userAgent } = options;
    this.#options = options;
    this.#words = new CollectorWords(headers);
    this.#headers = {
      "user-agent": userAgent,
      ...headers,
      "content-type": "application/x-protobuf",
      // What unpacks to more than it says is no trouble that way.
      "accept-encoding": "identity",
      ...(compression === "gzip" ? { "content-encoding": "gzip" } : {}),
    };
    this.#tls = {
      // Whatever the environment says of certificates: the fields may be secrets.
      rejectUnauthorized: true,
      ...(caPem === null ? {} : { ca: caPem }),
      ...(certificate === null ? {} : { cert: certificate.certPem, key: certificate.keyPem }),
    };
  }

  async send(request: Buffer, timeoutMs: number): Promise<SendResult> {
    const { endpoint, compression } = this.#options;
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), timeoutMs);
    try {
      const response = await this.#options.fetch(endpoint, {
        method: "POST",
        headers: this.#headers,
        body: new Uint8Array(compression === "gzip" ? gzipSync(request) : request),
        // Fields may be secrets, and where a redirect leads they are not meant for.
        redirect: "manual",
        decompress: false,
        // The environment may ask the runtime to print requests, fields and all.
        verbose: false,
        signal: abort.signal,
        tls: this.#tls,
      });
      return await this.#resultOf(response);
    } catch (error) {
      const reason = abort.signal.aborted
        ? `no answer within ${Math.round(timeoutMs)} ms`
        : this.#words.of(failureOf(error));
      return { kind: "later", afterMs: null, reason };
    } finally {
      clearTimeout(timer);
      abort.abort(); // of a response that was not read to its end
    }
  }

  close(): void {}

  async #resultOf(response: Response): Promise<SendResult> {
    const { status, headers } = response;
    const body = await readBody(response);
    if (RETRYABLE.has(status)) {
      return {
        kind: "later",
        afterMs: this.#retryAfterMs(headers.get("retry-after")),
        reason: `it answered ${status}`,
      };
    }
    if (status >= 300 && status < 400) {
      return { kind: "refused", reason: `it answered ${status}, and redirects are not followed: name the new place` };
    }
    if (status < 200 || status > 299) {
      const why = body === null ? "" : this.#sayable(headers.get("content-type"), body);
      return { kind: "refused", reason: `it answered ${status}${why}` };
    }
    try {
      if (body === null) throw new Error(`it is longer than ${MAX_RESPONSE_BYTES} bytes`);
      return { kind: "taken", ...readExportResponse(body, this.#words.of) };
    } catch (error) {
      const reason = `it answered ${status} with what is no response of OTLP: ${(error as Error).message}`;
      return { kind: "refused", reason };
    }
  }

  /** A text that may be shown; `google.rpc.Status { message = 2 }` where it is protocol buffers is not looked into. */
  #sayable(type: string | null, body: Uint8Array): string {
    if (type?.includes("protobuf") || body.length === 0) return "";
    const text = this.#words.of(body);
    return text === "" ? "" : `: ${text}`;
  }

  /** Seconds or a date (RFC 9110 section 10.2.3). */
  #retryAfterMs(field: string | null): number | null {
    if (field === null) return null;
    if (/^\d+$/.test(field.trim())) return waitOf(Number(field) * 1000);
    return waitOf(Math.max(0, Date.parse(field) - this.#options.wallMs()));
  }
}

/** `null` = it is longer than anybody needs. */
async function readBody(response: Response): Promise<Uint8Array | null> {
  const parts: Uint8Array[] = [];
  let length = 0;
  if (response.body === null) return new Uint8Array();
  for await (const part of response.body as unknown as AsyncIterable<Uint8Array>) {
    length += part.length;
    if (length > MAX_RESPONSE_BYTES) return null;
    parts.push(part);
  }
  return Buffer.concat(parts);
}

function failureOf(error: unknown): string {
  const { code, message: whole } = error as { code?: string; message?: string };
  // The runtime adds the URL, whose query is nobody's business, and advice for whoever calls it.
  const message = whole?.split(' fetching "', 1)[0];
  return code === undefined || message?.includes(code) ? (message ?? "no connection") : `${code}: ${message}`;
}
