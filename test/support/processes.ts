/**
 * How tests start processes. All of them go through `spawn` or `spawnSync`: what they start carries the run's mark and the
 * test file's name in its environment, keeps its files in the run's temporary directory, and is ended with the run
 * (scripts/test-guard.ts), whatever becomes of the test.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { DEADLINE_MS, until } from "./until.ts";

const ROOT = join(import.meta.dir, "../..");

const LAST_WORDS_MS = 5_000;

type Environment = Record<string, string | undefined>;

function marked(environment: Environment = process.env): Environment {
  const { TEST_RUN, TMPDIR } = process.env;
  return { TMPDIR, ...environment, ...(TEST_RUN && { TEST_RUN }), TEST_FILE: relative(ROOT, Bun.main) };
}

/** `Bun.spawn`, with the run's marks. Whoever calls it ends the process. */
export const spawn = ((first: string[] | { cmd: string[]; env?: Environment }, second?: { env?: Environment }) => {
  const options = Array.isArray(first) ? { ...second, cmd: first } : first;
  return Bun.spawn({ ...options, env: marked(options.env) });
}) as typeof Bun.spawn;

/** `Bun.spawnSync`, with the run's marks. */
export const spawnSync = ((first: string[] | { cmd: string[]; env?: Environment }, second?: { env?: Environment }) => {
  const options = Array.isArray(first) ? { ...second, cmd: first } : first;
  return Bun.spawnSync({ ...options, env: marked(options.env) });
}) as typeof Bun.spawnSync;

/** False also for a process that is dead and that nobody has waited for yet. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    const stat = `/proc/${pid}/stat`;
    if (!existsSync(stat) || !/\) Z /.test(readFileSync(stat, "latin1"))) return true;
    // Its sockets stay open until the last of its threads has ended, also when the first one has.
    return readdirSync(`/proc/${pid}/task`).length > 1;
  } catch {
    return false;
  }
}

/** A process that runs until it is stopped, and what it printed. */
export class Daemon {
  readonly process: Bun.Subprocess<"ignore", "pipe" | "ignore", "pipe">;
  stdout = "";
  stderr = "";
  /** All that it printed. */
  readonly #isRead: Promise<unknown>;

  /** @param options.quiet nobody wants its standard output. */
  constructor(
    command: readonly string[],
    options: { cwd?: string; env?: Record<string, string>; quiet?: boolean } = {},
  ) {
    this.process = spawn({
      cmd: [...command],
      cwd: options.cwd ?? "/",
      env: { PATH: process.env.PATH, HOME: process.env.HOME, ...options.env },
      stdin: "ignore",
      stdout: options.quiet ? "ignore" : "pipe",
      stderr: "pipe",
    });
    const { stdout } = this.process;
    this.#isRead = Promise.all([
      this.#read(this.process.stderr, (text) => {
        this.stderr += text;
      }),
      stdout &&
        this.#read(stdout, (text) => {
          this.stdout += text;
        }),
    ]);
  }

  get pid(): number {
    return this.process.pid;
  }

  /** Waits for what `find` looks for in the output. Throws with the output when the process ends before. */
  async says<T>(find: (daemon: this) => T): Promise<NonNullable<T>> {
    return until(async () => {
      const hasEnded = this.process.exitCode !== null;
      // Its last words are read after it has ended; who else has its output may keep that open.
      if (hasEnded) await Promise.race([this.#isRead, Bun.sleep(LAST_WORDS_MS)]);
      const found = find(this);
      if (!found && hasEnded) {
        throw new Error(`it ended with ${this.process.exitCode}: ${this.stderr}${this.stdout}`);
      }
      return found;
    });
  }

  /** Asks the process to end, and insists after a minute. @returns its exit code. */
  async stop(): Promise<number> {
    this.process.kill("SIGTERM");
    const insist = setTimeout(() => this.process.kill("SIGKILL"), DEADLINE_MS);
    const code = await this.process.exited;
    clearTimeout(insist);
    return code;
  }

  async #read(stream: ReadableStream<Uint8Array>, take: (text: string) => void): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of stream) take(decoder.decode(chunk, { stream: true }));
  }
}

export interface Outcome {
  readonly code: number;
  readonly stdout: Buffer;
  readonly stderr: string;
  /** Standard output as text. */
  readonly text: string;
}

/** Runs a command to its end, or kills it after `deadlineMs`. */
export async function run(
  command: readonly string[],
  options: { cwd?: string; input?: Blob; deadlineMs?: number; env?: Record<string, string> } = {},
): Promise<Outcome> {
  const child = spawn({
    cmd: [...command],
    cwd: options.cwd ?? "/",
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...options.env },
    stdin: options.input ?? "ignore",
    stdout: "pipe",
    stderr: "pipe",
    timeout: options.deadlineMs ?? 60_000,
    killSignal: "SIGKILL",
  });
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).arrayBuffer(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  const bytes = Buffer.from(stdout);
  return { code, stdout: bytes, stderr, text: bytes.toString() };
}

/** A directory of its own for a test, made when it is first asked for (tests that are skipped never do); `remove` deletes it. */
export class Scratch {
  #path: string | null = null;

  get path(): string {
    this.#path ??= mkdtempSync(join(tmpdir(), "neurabalancer-e2e-"));
    return this.#path;
  }

  file(name: string): string {
    return join(this.path, name);
  }

  remove(): void {
    if (this.#path !== null) rmSync(this.#path, { recursive: true, force: true });
  }
}
