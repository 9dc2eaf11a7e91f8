/** The whole product as a process of its own, as its users run it: launcher, supervisor, real workers. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KEEPS_NOTHING } from "./configuration.ts";
import { spawn } from "./processes.ts";
import { DEADLINE_MS, until } from "./until.ts";

const LAUNCHER = join(import.meta.dir, "../../bin/neurabalancer");
/** Five processes load the product one after the other: on a machine with much other work that takes a minute and more. */
const START_DEADLINE_MS = 110_000;

/** A line of the process log. */
export interface LogLine {
  readonly msg: string;
  readonly level: string;
  readonly [field: string]: unknown;
}

export interface ProductOptions {
  /** Shell commands before the start, such as `ulimit -n 100`. */
  readonly prelude?: string;
  /** Where standard output goes; ignored unless given. A path is appended to. */
  readonly stdout?: "pipe" | "ignore" | { readonly path: string };
  /** Another program instead of the launcher. */
  readonly command?: readonly string[];
}

/** One instance. What it is asked, and how long it is waited for, is its users' business. */
export class ProductProcess {
  readonly directory = mkdtempSync(join(tmpdir(), "nb-product-"));
  readonly process: Bun.Subprocess<"ignore", "pipe" | "ignore" | "inherit", "pipe">;
  /** The process log so far. */
  readonly lines: LogLine[] = [];
  readonly #settings: Record<string, string> = { ...KEEPS_NOTHING };
  readonly #allRead: Promise<void>;
  #stderr = "";
  #pausedLog = false;

  /** Settings are in `.env` of its directory, as a stranger would have them; what it keeps is below that directory. */
  constructor(settings: Readonly<Record<string, string>>, options: ProductOptions = {}) {
    this.configure(settings);
    const command = options.command ?? [LAUNCHER, "serve"];
    const { stdout = "ignore" } = options;
    const redirect = typeof stdout === "object" ? ` >>${stdout.path}` : "";
    this.process = spawn({
      // $0 is a name for the shell's own errors.
      cmd: ["/bin/bash", "-c", `${options.prelude ?? "true"} && exec "$@"${redirect}`, "product", ...command],
      cwd: this.directory,
      env: { PATH: process.env.PATH, HOME: process.env.HOME },
      stdin: "ignore",
      stdout: typeof stdout === "object" ? "ignore" : stdout,
      stderr: "pipe",
    });
    this.#allRead = this.#readLog();
  }

  /** Changes settings; SIGHUP makes them count. */
  configure(settings: Readonly<Record<string, string>>): void {
    Object.assign(this.#settings, settings);
    const text = Object.entries(this.#settings).map(([name, value]) => `${name}=${value}\n`);
    writeFileSync(join(this.directory, ".env"), text.join(""));
  }

  /** Waits until the workers run. */
  async started(): Promise<void> {
    await until(() => this.said("balancing over") !== undefined || this.process.exitCode !== null, START_DEADLINE_MS);
    if (this.process.exitCode === null) return;
    await this.#allRead;
    throw new Error(`it ended with ${this.process.exitCode}: ${this.#stderr}`);
  }

  /** Waits for its end, and until all that it had to say is in `lines`. @returns its exit code. */
  async ended(): Promise<number> {
    const code = await this.process.exited;
    await this.#allRead;
    return code;
  }

  get port(): number {
    return this.said("balancing over")?.port as number;
  }

  get stderr(): string {
    return this.#stderr;
  }

  said(text: string): LogLine | undefined {
    return this.lines.find((line) => line.msg.includes(text));
  }

  count(text: string): number {
    return this.lines.filter((line) => line.msg.includes(text)).length;
  }

  /** Reads standard error no more, so that its pipe fills. */
  pauseLog(): void {
    this.#pausedLog = true;
  }

  /** Asks the admin port, on a connection of its own. */
  admin(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(`http://127.0.0.1:${this.said("admin API listens")?.port}${path}`, {
      ...init,
      headers: { ...init.headers, connection: "close" },
      keepalive: false,
      signal: AbortSignal.timeout(DEADLINE_MS),
    });
  }

  /** Stops it as an operator does, insists after a minute, and leaves nothing behind. */
  async end(): Promise<void> {
    this.process.kill("SIGTERM");
    const insist = setTimeout(() => this.process.kill("SIGKILL"), DEADLINE_MS);
    await this.#leave();
    clearTimeout(insist);
  }

  /** As `end`, of one that nobody waits for. */
  async kill(): Promise<void> {
    this.process.kill("SIGKILL");
    await this.#leave();
  }

  async #leave(): Promise<void> {
    await this.process.exited;
    rmSync(this.directory, { recursive: true, force: true });
  }

  async #readLog(): Promise<void> {
    const decoder = new TextDecoder();
    let rest = "";
    for await (const chunk of this.process.stderr) {
      const text = decoder.decode(chunk, { stream: true });
      this.#stderr += text;
      const parts = (rest + text).split("\n");
      rest = parts.pop() ?? "";
      for (const line of parts) if (line.startsWith("{")) this.lines.push(JSON.parse(line));
      if (this.#pausedLog) return;
    }
  }
}

/** Sum of the samples of `exposition` whose line is `wanted`. */
export function sumOfSamples(exposition: string, wanted: (line: string) => boolean): number {
  const lines = exposition.split("\n").filter(wanted);
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
}
