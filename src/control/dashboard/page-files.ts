/**
 * The files of the page, in memory. They are bundled by a process of its own when somebody asks for the first time, so that who
 * never opens the page never pays for it, and so that nothing has to be written: the root may be read-only.
 */
import { environmentForChildren } from "../../config/environment.ts";
import type { BundleResult } from "../../dashboard/bundle/bundled-page.ts";
import { logForeignLines } from "../../telemetry/log/foreign-lines.ts";
import type { ControlLog } from "../log.ts";

/** From the process's start to its end. */
const TIME_LIMIT_MS = 60_000;
/** A page is some hundred kilobytes. */
const MAX_BYTES = 16 * 1024 * 1024;
/** What has failed is tried again after this. */
const AGAIN_MS = 10_000;
/** Whoever asks waits so long for it; then he is told to come again. */
const WAIT_MS = 10_000;

/** One file. */
export interface PageFile {
  readonly type: string;
  readonly body: Uint8Array<ArrayBuffer>;
  readonly gzip: Uint8Array<ArrayBuffer>;
  readonly hash: string;
}

/** What there is at a path: a file, nothing, not yet anything, or a page that could not be made. */
export type PageAnswer = PageFile | "none" | "later" | { readonly problem: string };

/** What it is made from. */
export interface PageFilesOptions {
  /** Program and arguments of the process. */
  readonly command: readonly string[];
  readonly log: ControlLog;
  /** Monotonic, milliseconds. */
  readonly nowMs: () => number;
  readonly timeLimitMs?: number;
  readonly waitMs?: number;
}

type Files = ReadonlyMap<string, PageFile>;

/** One instance's. */
export class PageFiles {
  readonly #options: PageFilesOptions;
  #made: Files | null = null;
  #making: Promise<void> | null = null;
  #child: Bun.Subprocess | null = null;
  #problem: { readonly text: string; readonly atMs: number } | null = null;
  #stopped = false;

  constructor(options: PageFilesOptions) {
    this.#options = options;
  }

  /** What is at `/` or `/assets/…`. Never rejects. */
  async get(path: string): Promise<PageAnswer> {
    if (this.#made === null) await this.#wait();
    if (this.#made !== null) return this.#made.get(path) ?? "none";
    return this.#problem === null ? "later" : { problem: this.#problem.text };
  }

  stop(): void {
    this.#stopped = true;
    this.#child?.kill("SIGKILL");
  }

  async #wait(): Promise<void> {
    const { nowMs, waitMs = WAIT_MS } = this.#options;
    if (this.#stopped) return;
    if (this.#problem !== null && nowMs() - this.#problem.atMs < AGAIN_MS) return;
    this.#making ??= this.#make().finally(() => {
      this.#making = null;
    });
    let timer: Timer | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, waitMs);
    });
    await Promise.race([this.#making, late]);
    clearTimeout(timer);
  }

  async #make(): Promise<void> {
    const { log, nowMs } = this.#options;
    try {
      this.#made = readFiles(await this.#run());
      this.#problem = null;
    } catch (error) {
      if (this.#stopped) return;
      const text = (error as Error).message;
      this.#problem = { text, atMs: nowMs() };
      log.error({ problem: text }, "the page could not be bundled; it is tried again when somebody asks for it");
    }
  }

  async #run(): Promise<BundleResult> {
    const { command, log, timeLimitMs = TIME_LIMIT_MS } = this.#options;
    const child = Bun.spawn({
      cmd: [...command],
      env: environmentForChildren(),
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    this.#child = child;
    const name = "the process that bundles the page";
    void logForeignLines(child.stderr, { log, name, fields: {}, clock: () => 0 }); // it has a minute
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill("SIGKILL");
    }, timeLimitMs);
    try {
      const text = await textOf(child.stdout);
      const code = await child.exited;
      if (late) throw new Error(`${name} took longer than ${timeLimitMs / 1_000} s`);
      if (code !== 0 || text === null) throw new Error(`${name} ended with ${child.signalCode ?? code}`);
      return JSON.parse(text) as BundleResult;
    } finally {
      clearTimeout(timer);
      child.kill("SIGKILL");
      await child.exited;
      this.#child = null;
    }
  }
}

function readFiles(result: BundleResult): Files {
  if ("problem" in result) throw new Error(result.problem);
  return new Map(
    result.files.map(({ path, type, body, gzip, hash }) => [
      path,
      { type, body: bytesOf(body), gzip: bytesOf(gzip), hash },
    ]),
  );
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(base64, "base64"));
}

/** `null` = it is longer than a page can be. */
async function textOf(stream: ReadableStream<Uint8Array>): Promise<string | null> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    bytes += chunk.byteLength;
    if (bytes > MAX_BYTES) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
