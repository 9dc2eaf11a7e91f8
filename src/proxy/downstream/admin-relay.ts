/**
 * Asks the control process for what it answers in this worker's stead: `/metrics` and the list of servers, which anybody
 * may ask for. So it is bounded, whatever strangers do: one question of a kind is under way at a time, and one response
 * serves all who asked before it was begun; who is gone is waited for no longer, and a question that nobody waits for is
 * given up. A response is never older than the question: whoever comes while one is being made gets the next.
 */
import type { Fields, LocalResponse } from "../local/response.ts";
import type { AdminQuery } from "./admin-query.ts";

/** A response of the control process. */
export interface AdminResponse {
  readonly status: number;
  readonly type: string;
  readonly body: Uint8Array;
  /** Of its content; null = as it is. */
  readonly encoding?: string | null;
  /** The fields of a request that it depends on; null = none. */
  readonly vary?: string | null;
  /** Seconds; null = it does not say. */
  readonly retryAfter: number | null;
}

/** Asks one question. Rejects when there is no response, or `signal` was aborted. */
export type AskAdmin = (query: AdminQuery, signal: AbortSignal) => Promise<AdminResponse>;

/** Most who wait or read at one time. */
const MAX_CLIENTS = 64;
/** Most bytes of responses that clients have not taken yet; what several read is counted once. */
const MAX_HELD_BYTES = 32 * 1024 * 1024;

/** One client's question. */
export interface AdminQuestion {
  /** The client is gone, or has all of the response. May be called twice. */
  end(): void;
}

/** Told the response; null = there is none. */
type OnResponse = (response: LocalResponse | null) => void;

/** A question of one kind. */
interface Kind {
  readonly query: AdminQuery;
  /** Those whom the question under way is asked for; empty = there is none. */
  asked: Set<Client>;
  abort: AbortController | null;
  /** Those who came since. */
  waiting: Set<Client>;
}

/** A response as long as clients read it. */
class Held {
  readonly response: LocalResponse;
  readonly bytes: number;
  readers = 0;

  constructor({ status, type, body, encoding = null, vary = null, retryAfter }: AdminResponse) {
    const fields: Fields = [
      ...(encoding === null ? [] : [["Content-Encoding", encoding] as const]),
      ...(vary === null ? [] : [["Vary", vary] as const]),
      ...(retryAfter === null ? [] : [["Retry-After", `${retryAfter}`] as const]),
    ];
    this.response = { status, type, body, fields };
    this.bytes = body.length;
  }
}

interface Client {
  readonly onResponse: OnResponse;
  held: Held | null;
  ended: boolean;
}

export class AdminRelay {
  readonly #ask: AskAdmin;
  readonly #kinds = new Map<AdminQuery, Kind>();
  #clients = 0;
  #heldBytes = 0;

  constructor(ask: AskAdmin) {
    this.#ask = ask;
  }

  /**
   * Asks what `query` says.
   * @param onResponse is not called before this returns, and not after `end`.
   * @returns null when too many ask already.
   */
  ask(query: AdminQuery, onResponse: OnResponse): AdminQuestion | null {
    if (this.#clients >= MAX_CLIENTS || this.#heldBytes > MAX_HELD_BYTES) return null;
    let kind = this.#kinds.get(query);
    if (kind === undefined) {
      kind = { query, asked: new Set(), abort: null, waiting: new Set() };
      this.#kinds.set(query, kind);
    }
    const of = kind;
    const client: Client = { onResponse, held: null, ended: false };
    this.#clients++;
    of.waiting.add(client);
    this.#begin(of);
    return { end: () => this.#end(of, client) };
  }

  #end(kind: Kind, client: Client): void {
    if (client.ended) return;
    client.ended = true;
    this.#clients--;
    kind.waiting.delete(client);
    if (kind.asked.delete(client) && kind.asked.size === 0) kind.abort?.abort();
    const { held } = client;
    if (held !== null && --held.readers === 0) this.#heldBytes -= held.bytes;
  }

  #begin(kind: Kind): void {
    if (kind.abort !== null || kind.waiting.size === 0) return;
    const abort = new AbortController();
    kind.abort = abort;
    kind.asked = kind.waiting;
    kind.waiting = new Set();
    this.#ask(kind.query, abort.signal).then(
      (response) => this.#answered(kind, new Held(response)),
      () => this.#answered(kind, null),
    );
  }

  #answered(kind: Kind, held: Held | null): void {
    const clients = kind.asked;
    kind.asked = new Set();
    kind.abort = null;
    if (held !== null && clients.size > 0) {
      held.readers = clients.size;
      this.#heldBytes += held.bytes;
      for (const client of clients) client.held = held;
    }
    this.#begin(kind);
    for (const client of clients) if (!client.ended) client.onResponse(held?.response ?? null);
  }
}
