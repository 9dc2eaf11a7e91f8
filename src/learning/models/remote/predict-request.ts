/** One `POST /predict` of the contract: what is asked, and what may be answered. */

import { inRange, SCORE } from "../../../shared/ranges.ts";

/** Why a model server gave no scores. */
export type RemoteFailure = "timeout" | "unreachable" | "status" | "answer" | "circuit_open" | "released";

/** A prediction that a model server did not give. The message is made for the operator. */
export class RemoteModelError extends Error {
  override readonly name = "RemoteModelError";
  readonly kind: RemoteFailure;

  constructor(kind: RemoteFailure, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

/** A server of the request. Features that are unknown are left out. */
export type PredictEntry = Readonly<Record<string, number>>;

/** The body of the contract's request. */
export interface PredictRequest {
  readonly servers: readonly PredictEntry[];
  /** ISO 8601. */
  readonly ts: string;
}

/** How to ask. */
export interface PredictOptions {
  /** Of `/predict`. */
  readonly url: string;
  readonly timeoutMs: number;
  /** Ends it early, with the signal's reason. */
  readonly signal: AbortSignal;
}

/** Many times what scores of one request take. */
const MAX_RESPONSE_BYTES = 1024 * 1024;
const MAX_SHOWN = 200;

/** `/predict` below a model server's URL, unless the URL names it already. */
export function predictUrl(endpoint: string): string {
  const bare = endpoint.replace(/\/+$/, "");
  return bare.endsWith("/predict") ? bare : `${bare}/predict`;
}

/** Asks once. Rejects with a `RemoteModelError`. */
export async function requestPredictions(
  request: PredictRequest,
  { url, timeoutMs, signal }: PredictOptions,
): Promise<readonly number[]> {
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/json" },
      body: JSON.stringify(request),
      redirect: "manual",
      signal: AbortSignal.any([timeout, signal]),
    });
    const text = await readText(response, url);
    if (response.status !== 200) {
      throw new RemoteModelError("status", `${url} answered ${response.status}: ${shorten(text)}`);
    }
    return readPredictions(text, request.servers.length, url);
  } catch (error) {
    if (error instanceof RemoteModelError) throw error;
    if (signal.aborted) throw signal.reason;
    if (timeout.aborted) {
      throw new RemoteModelError("timeout", `${url} gave no answer within ${timeoutMs} ms (ML_MODEL_TIMEOUT_MS)`);
    }
    throw new RemoteModelError("unreachable", `${url} cannot be asked: ${(error as Error).message}`, { cause: error });
  }
}

/** The scores, as many as were asked for and each within `SCORE`. Throws a `RemoteModelError`. */
export function readPredictions(text: string, count: number, url: string): readonly number[] {
  const wrong = (what: string) => new RemoteModelError("answer", `${url} answered ${what}: ${shorten(text)}`);
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw wrong("no JSON");
  }
  const predictions: unknown = (parsed as { predictions?: unknown } | null)?.predictions;
  if (!Array.isArray(predictions)) throw wrong('without a list "predictions"');
  if (predictions.length !== count) throw wrong(`${predictions.length} predictions for ${count} servers`);
  const at = predictions.findIndex((score) => !inRange(score, SCORE));
  if (at >= 0) throw wrong(`with no finite number at predictions[${at}], or none from ${SCORE.least} to ${SCORE.most}`);
  return predictions as number[];
}

async function readText(response: Response, url: string): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > MAX_RESPONSE_BYTES) {
      throw new RemoteModelError("answer", `${url} answered more than ${MAX_RESPONSE_BYTES} bytes`);
    }
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

function shorten(text: string): string {
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}
