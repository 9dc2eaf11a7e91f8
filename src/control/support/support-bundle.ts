/**
 * All that somebody needs who is to help and cannot look: put together in one file, without secrets. It asks the instance's own
 * API, part by part, each for so long and with so much to say at most; what a part does not answer is missing, and said.
 */
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { Redaction } from "./redaction.ts";
import { EXPLAINED, SECTIONS } from "./sections.ts";
import { systemFacts } from "./system-facts.ts";
import { type TarFile, tarOf } from "./tar.ts";

/** Of one part. */
const PART_MS = 5_000;
/** Of all of it: what has not answered by then is missing. */
const WHOLE_MS = 25_000;
/** Of one part, bytes; what is longer is cut. */
const MAX_PART = 4 * 1024 * 1024;
/** Of all parts. */
const MAX_WHOLE = 24 * 1024 * 1024;

/** Asks the instance itself, as an admin. @param path with its query. */
export type AskItself = (path: string, signal: AbortSignal) => Promise<Response>;

/** What a bundle is made from. */
export interface SupportOptions {
  readonly version: string;
  readonly runtime: string;
  /** Values that must not be told, as they are. */
  secrets(): readonly string[];
  /** Of the instance's processes. */
  pids(): readonly number[];
  /** Milliseconds since the epoch. */
  wallMs(): number;
  /** Monotonic, milliseconds. */
  nowMs(): number;
  /** Uniform in [0, 1). */
  random(): number;
}

/** How it is to be made. */
export interface BundleWish {
  /** Addresses of clients as they are; else each is a name that means something within this bundle alone. */
  readonly addresses: boolean;
}

/** Somebody else has one made. */
export class BundleBusyError extends Error {
  override readonly name = "BundleBusyError";
}

/** One instance's. */
export class SupportBundle {
  readonly #options: SupportOptions;
  #making = false;
  #stopped = false;

  constructor(options: SupportOptions) {
    this.#options = options;
  }

  /** The instance ends: no other is begun. */
  stop(): void {
    this.#stopped = true;
  }

  /** As a gzipped tar archive. Rejects with a `BundleBusyError`; one is made at a time. */
  async make(
    wish: BundleWish,
    ask: AskItself,
  ): Promise<{ readonly name: string; readonly bytes: Uint8Array<ArrayBuffer> }> {
    if (this.#stopped) throw new BundleBusyError("the instance is stopping");
    if (this.#making) throw new BundleBusyError("a support bundle is being made already");
    this.#making = true;
    try {
      return await this.#make(wish, ask);
    } finally {
      this.#making = false;
    }
  }

  async #make(wish: BundleWish, ask: AskItself) {
    const { version, runtime, wallMs, nowMs, pids } = this.#options;
    const atMs = wallMs();
    const deadlineMs = nowMs() + WHOLE_MS;
    const redaction = new Redaction({ secrets: this.#options.secrets(), nameOf: this.#namer(wish) });
    const parts = new Parts(redaction);
    parts.add("version.json", "version and runtime", JSON.stringify({ version, runtime, at: new Date(atMs) }));
    for (const { name, path, doc } of SECTIONS) parts.take(name, doc, await this.#part(ask, path, deadlineMs));
    for (const id of parts.requestIds()) {
      const answer = await this.#part(ask, `/api/v1/explain/${encodeURIComponent(id)}`, deadlineMs);
      const name = `explain/${id.replace(/[^A-Za-z0-9_-]/g, "_").slice(0, 60)}.json`;
      parts.take(name, "why a slow or failed request went where it went", answer);
    }
    parts.add("system.json", "kernel, container, limits and memory", JSON.stringify(await systemFacts(pids())));
    const stamp = new Date(atMs).toISOString().replace(/[:.]/g, "-").slice(0, 19);
    const folder = `neurabalancer-support-${stamp}`;
    const files = [{ name: "README.txt", body: encode(readme(parts, wish, new Date(atMs), version)) }, ...parts.files];
    const archive = tarOf(
      files.map(({ name, body }) => ({ name: `${folder}/${name}`, body })),
      atMs / 1_000,
    );
    return { name: `${folder}.tar.gz`, bytes: new Uint8Array(await promisify(gzip)(archive)) };
  }

  /** What a part answers, or why it does not. Never rejects. */
  async #part(ask: AskItself, path: string, deadlineMs: number): Promise<PartAnswer> {
    const leftMs = Math.min(PART_MS, deadlineMs - this.#options.nowMs());
    if (leftMs <= 0) return { missing: "no time was left" };
    const late = AbortSignal.timeout(leftMs);
    const given = new Promise<PartAnswer>((resolve) => {
      late.addEventListener("abort", () => resolve({ missing: `it did not answer within ${leftMs / 1_000} s` }));
    });
    return Promise.race([given, answerOf(ask(path, late))]);
  }

  #namer({ addresses }: BundleWish): (address: string) => string {
    if (addresses) return (address) => address;
    const salt = this.#options.random().toString(36) + this.#options.random().toString(36);
    return (address) => {
      const hash = new Bun.CryptoHasher("sha256").update(`${salt} ${address}`).digest("hex");
      return `client-${hash.slice(0, 10)}`;
    };
  }
}

type PartAnswer = { readonly text: string } | { readonly missing: string };

async function answerOf(asked: Promise<Response>): Promise<PartAnswer> {
  try {
    const response = await asked;
    const text = await response.text();
    if (response.ok) return { text };
    const { detail } = JSON.parse(text) as { readonly detail?: unknown };
    return { missing: String(detail ?? `it answers ${response.status}`) };
  } catch (error) {
    return { missing: (error as Error).message };
  }
}

/** What there is so far, without secrets. */
class Parts {
  readonly #redaction: Redaction;
  readonly files: TarFile[] = [];
  /** A line of README.txt for each. */
  readonly told: string[] = [];
  readonly missing: string[] = [];
  readonly #ids = new Set<string>();
  #bytes = 0;

  constructor(redaction: Redaction) {
    this.#redaction = redaction;
  }

  take(name: string, doc: string, answer: PartAnswer): void {
    if ("text" in answer) this.add(name, doc, answer.text);
    else this.missing.push(`${name}: ${this.#redaction.text(answer.missing)}`);
  }

  add(name: string, doc: string, text: string): void {
    const body = encode(this.#redacted(name, text));
    const room = Math.min(MAX_PART, MAX_WHOLE - this.#bytes);
    if (room <= 0) {
      this.missing.push(`${name}: the bundle is full`);
      return;
    }
    const kept = body.length <= room ? body : body.subarray(0, room);
    this.#bytes += kept.length;
    this.files.push({ name, body: kept });
    this.told.push(`${name}: ${doc}${kept === body ? "" : ` (the first ${room} of ${body.length} bytes)`}`);
  }

  /** Of requests that are explained. */
  requestIds(): readonly string[] {
    return [...this.#ids].slice(0, EXPLAINED);
  }

  #redacted(name: string, text: string): string {
    if (!name.endsWith(".json")) return this.#redaction.text(text);
    try {
      const value: unknown = JSON.parse(text);
      if (/^(slow|failed)-/.test(name)) this.#note(value);
      return `${JSON.stringify(this.#redaction.json(value), null, 1)}\n`;
    } catch {
      return this.#redaction.text(text);
    }
  }

  #note(value: unknown): void {
    const { requests } = (value ?? {}) as { readonly requests?: readonly { readonly request_id?: unknown }[] };
    for (const { request_id: id } of Array.isArray(requests) ? requests.slice(0, EXPLAINED / 2) : []) {
      if (typeof id === "string") this.#ids.add(id);
    }
  }
}

function readme(parts: Parts, { addresses }: BundleWish, at: Date, version: string): string {
  return [
    `Support bundle of NeuraBalancer ${version}, made ${at.toISOString()}.`,
    "",
    "What is here:",
    ...parts.told.map((line) => `  ${line}`),
    "",
    "What is missing:",
    ...(parts.missing.length === 0 ? ["  nothing"] : parts.missing.map((line) => `  ${line}`)),
    "  log lines: the instance keeps none; add what your log collector has of this time",
    "",
    "What is hidden (****): secrets of the configuration wherever they stood, whatever looks like a token, a key or a",
    "password, values of header fields, and query strings. What is not: names and addresses of your servers, names of pools",
    "and routes, paths of requests without their queries, names of tokens, reasons that operators gave for changes.",
    addresses
      ? "Addresses of clients are as they were: it was asked for."
      : "Addresses of clients are names (client-…) that tell them apart within this bundle, and mean nothing elsewhere.",
    "Read it before you send it to anybody.",
    "",
  ].join("\n");
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
