/**
 * Challenges that are to be answered now. They go through files: an instance that shares the directory answers for the one that
 * orders, whichever of them the CA comes to.
 */
import { createHash } from "node:crypto";
import { readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { MAX_PENDING_CHALLENGES, type PendingChallenge } from "../protocol/acme.ts";
import type { Logger } from "../telemetry/log/logger.ts";
import { readPrivateFile, replacePrivateFile } from "./store/private-file.ts";

/** No challenge takes so long: whoever began it is gone. */
const STALE_MS = 15 * 60_000;
/** How long other instances may take to see one. */
const SEEN_MS = 1_500;

const challengeSchema = z.union([
  z.object({ kind: z.literal("http-01"), token: z.string().regex(/^[\w-]{16,256}$/), keyAuthorization: z.string() }),
  z.object({ kind: z.literal("tls-alpn-01"), name: z.string(), certPem: z.string(), keyPem: z.string() }),
]);

/** What they are made from. */
export interface ChallengesOptions {
  readonly directory: string;
  /** Tells those who answer; resolves when they do. */
  readonly tell: (pending: readonly PendingChallenge[]) => Promise<void>;
  readonly log: Logger;
  readonly wallMs: () => number;
  readonly pause: (ms: number, cut: AbortSignal) => Promise<void>;
  /** Tells those apart that write at the same time. */
  readonly mark: string;
}

/** Those of one directory. */
export class Challenges {
  readonly #options: ChallengesOptions;
  readonly #directory: string;
  /** Ours. */
  readonly #own = new Set<string>();
  #told: readonly PendingChallenge[] = [];
  #telling: Promise<void> = Promise.resolve();
  #failing = false;

  constructor(options: ChallengesOptions) {
    this.#options = options;
    this.#directory = join(options.directory, "challenges");
  }

  /** Has it answered, here and by those who share the directory, from when this resolves. */
  async present(challenge: PendingChallenge, cut: AbortSignal): Promise<void> {
    const path = join(this.#directory, `${nameOf(challenge)}.json`);
    replacePrivateFile(path, JSON.stringify(challenge), this.#options.mark);
    this.#own.add(path);
    this.look();
    await this.#telling;
    await this.#options.pause(SEEN_MS, cut);
  }

  /** None of ours is answered any more. */
  async withdraw(): Promise<void> {
    for (const path of this.#own) rmSync(path, { force: true });
    this.#own.clear();
    this.look();
    await this.#telling;
  }

  /** Others may have come or gone. */
  look(): void {
    const pending = this.#read();
    if (isDeepStrictEqual(pending, this.#told)) return;
    this.#told = pending;
    this.#telling = this.#options.tell(pending);
  }

  #read(): PendingChallenge[] {
    try {
      const found = this.#names().flatMap((name) => this.#readOne(join(this.#directory, name)));
      this.#failing = false;
      return found;
    } catch (error) {
      if (!this.#failing) this.#options.log.warn({ err: error }, "challenges cannot be looked for");
      this.#failing = true;
      return [];
    }
  }

  #names(): string[] {
    try {
      const names = readdirSync(this.#directory).filter((name) => name.endsWith(".json"));
      return names.sort().slice(0, MAX_PENDING_CHALLENGES);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
      throw error;
    }
  }

  #readOne(path: string): PendingChallenge[] {
    const madeMs = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
    const text = readPrivateFile(path);
    if (madeMs === undefined || text === null) return [];
    if (this.#options.wallMs() - madeMs > STALE_MS) {
      rmSync(path, { force: true });
      return [];
    }
    const parsed = challengeSchema.safeParse(parse(text));
    return parsed.success ? [parsed.data] : [];
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Names of domains are no names of files where they are long. */
function nameOf(challenge: PendingChallenge): string {
  const of = challenge.kind === "http-01" ? challenge.token : challenge.name;
  return createHash("sha256").update(`${challenge.kind} ${of}`).digest("hex").slice(0, 32);
}
