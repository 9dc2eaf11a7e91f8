/** A process of the product started by the demo: its output is kept for the case that it fails. */
import { fileURLToPath } from "node:url";
import { EXIT_WITH_PARENT } from "./exit-with-parent-env.ts";

const MAIN = fileURLToPath(new URL("../main.ts", import.meta.url));
const PRELOAD = fileURLToPath(new URL("./exit-with-parent.ts", import.meta.url));
const OUTPUT_LINES = 20;
/** Of the environment, children get only these and what the demo sets: the user's own settings are not the demo's. */
const INHERITED = ["PATH", "HOME", "TMPDIR", "LANG", "TZ", "SystemRoot", "TEMP"];

/** How a child is started. */
export interface ChildOptions {
  /** Arguments after `neurabalancer`. */
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Its working directory: one without a `.env` file. */
  readonly cwd: string;
}

export class Child {
  readonly #process: Bun.Subprocess<"pipe", "pipe", "pipe">;
  readonly #lines: string[] = [];

  /** Starts the process at once. Throws when it cannot be started at all. */
  constructor(options: ChildOptions) {
    const env: Record<string, string> = { ...options.env, [EXIT_WITH_PARENT]: String(process.pid) };
    for (const name of INHERITED) {
      const value = process.env[name];
      if (value !== undefined) env[name] = value;
    }
    this.#process = Bun.spawn([process.execPath, ...process.execArgv, "--preload", PRELOAD, MAIN, ...options.args], {
      cwd: options.cwd,
      env,
      stdin: "pipe",
      stdout: "pipe",
      stderr: "pipe",
      // A group of its own: Ctrl-C reaches the demo alone, which then stops its children in order.
      detached: true,
    });
    void this.#keep(this.#process.stdout);
    void this.#keep(this.#process.stderr);
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** True until the process has ended. */
  get running(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  /** Resolves when the process has ended. */
  get exited(): Promise<number> {
    return this.#process.exited;
  }

  /** `signal SIGKILL` or `exit code 1`. */
  get ending(): string {
    return this.#process.signalCode ? `signal ${this.#process.signalCode}` : `exit code ${this.#process.exitCode}`;
  }

  /** The last lines that it wrote. */
  get output(): string {
    return this.#lines.join("\n");
  }

  /** Sends it a signal, if it runs. */
  signal(name: "SIGKILL" | "SIGSTOP" | "SIGCONT"): void {
    if (this.running) this.#process.kill(name);
  }

  /** SIGTERM, and SIGKILL after `graceMs`. Resolves when the process has ended. */
  async stop(graceMs: number): Promise<void> {
    if (!this.running) return;
    this.#process.kill("SIGTERM");
    this.#process.kill("SIGCONT"); // a frozen process takes no SIGTERM
    const late = setTimeout(() => this.#process.kill("SIGKILL"), graceMs);
    await this.#process.exited;
    clearTimeout(late);
  }

  async #keep(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    let rest = "";
    for await (const chunk of stream) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = lines.pop()!.slice(0, 4096);
      this.#lines.push(...lines);
      this.#lines.splice(0, this.#lines.length - OUTPUT_LINES);
    }
    if (rest) this.#lines.push(rest);
  }
}
