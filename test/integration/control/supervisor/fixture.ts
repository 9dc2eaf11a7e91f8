/** Runs a supervisor with fake workers as a process of its own and reads what it says. */
import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ToRecorder } from "../../../../src/protocol/recorder.ts";
import type { ToWorker } from "../../../../src/protocol/worker.ts";
import { RUNTIME_DIRECTORY_PREFIX } from "../../../../src/shared/memory/file.ts";
import type { EventRow, ServerRow } from "../../../../src/storage/history-store.ts";
import { KEEPS_NOTHING } from "../../../support/configuration.ts";
import { spawn } from "../../../support/processes.ts";
import { type LogLine, readJournal, until } from "../processes/fixture.ts";

const BASE = {
  ...KEEPS_NOTHING,
  SERVERS: "http://127.0.0.1:1",
  APP_HOST: "127.0.0.1",
  APP_PORT: "0",
  ADMIN_PORT: "auto",
  WORKERS: "2",
  HEALTH_CHECK_ENABLED: "false",
  METRICS_POLL_ENABLED: "false",
  SHUTDOWN_TIMEOUT_SECONDS: "5",
};

export class FakeSupervisor {
  readonly process: Bun.Subprocess;
  readonly lines: LogLine[] = [];
  readonly directory = mkdtempSync(join(tmpdir(), "nb-supervisor-"));
  #settings: Record<string, string>;
  readonly #decoder = new TextDecoder();
  /** Resolves when its log has been read to the end. */
  #allRead: Promise<void> = Promise.resolve();
  #stderr = "";
  #rest = "";

  /** With `terminal` it is started in a terminal of its own, where it also writes its log. */
  constructor(settings: Record<string, string> = {}, mode = "normal", { terminal = false } = {}) {
    this.#settings = { ...BASE, DATA_DIR: join(this.directory, "data"), ...settings };
    this.#writeSettings();
    const cmd = [process.execPath, join(import.meta.dir, "fake-supervisor.ts"), this.#envFile, mode, this.#journal];
    if (terminal) {
      const data = (_: Bun.Terminal, chunk: Uint8Array) => this.#take(chunk);
      this.process = spawn({ cmd, terminal: { cols: 500, data } });
    } else {
      const piped = spawn({ cmd, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
      this.process = piped;
      this.#allRead = this.#read(piped.stderr);
    }
  }

  /** Hangs up, as closing a terminal's window does. */
  closeTerminal(): void {
    this.process.terminal?.close();
  }

  get #envFile(): string {
    return join(this.directory, "settings.env");
  }

  get #journal(): string {
    return join(this.directory, "journal");
  }

  /** Waits until the workers run. */
  async started(): Promise<this> {
    await until(() => this.said("balancing over") || this.process.exitCode !== null);
    if (this.process.exitCode === null) return this;
    await this.#allRead;
    throw new Error(`it ended: ${this.#stderr}`);
  }

  said(text: string): LogLine | undefined {
    return this.lines.find((line) => line.message.includes(text));
  }

  /** Workers of the mode `waits` are ready from now on. */
  letWorkersStart(): void {
    writeFileSync(`${this.#journal}.go`, "");
  }

  /** Changes the file of settings; SIGHUP makes it count. */
  configure(settings: Record<string, string>): void {
    this.#settings = { ...this.#settings, ...settings };
    this.#writeSettings();
  }

  /** Every message that any worker received. */
  journal(): (ToWorker & { pid: number })[] {
    return readJournal(this.#journal);
  }

  /** Every message that any recorder received. */
  recorded(): (ToRecorder & { pid: number })[] {
    return readJournal(`${this.#journal}.recorder`);
  }

  /** The events that recorders were told of. */
  events(): EventRow[] {
    return this.recorded().flatMap((message) => (message.type === "events" ? message.events : []));
  }

  /** What the recorder finds in the store's `servers` table from now on. */
  setServers(rows: readonly ServerRow[], undone: readonly ServerRow[] = []): void {
    const path = `${this.#journal}.recorder.servers`;
    writeFileSync(`${path}.new`, JSON.stringify({ rows, undone }));
    renameSync(`${path}.new`, path);
  }

  async get(path: string, init?: RequestInit): Promise<Response> {
    const line = this.said("admin API listens");
    return fetch(`http://127.0.0.1:${line?.port}${path}`, init);
  }

  /** SIGHUP; resolves when the configuration was taken over or rejected. */
  async reload(settings: Record<string, string>): Promise<void> {
    this.configure(settings);
    const done = () => this.lines.filter(({ message }) => /is in force|is rejected/.test(message)).length;
    const before = done();
    this.process.kill("SIGHUP");
    await until(() => done() > before);
  }

  async status(): Promise<{
    workers: { pid: number; state: string }[];
    strategy: string;
    degraded: string[];
    settings: Record<string, { value: string }>;
    reloads: { success: number; failure: number };
    history: { events_waiting: number } | null;
  }> {
    return (await (await this.get("/api/v1/status")).json()) as never;
  }

  runtimeDirectories(): string[] {
    const base = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
    return readdirSync(base)
      .filter((name) => name.startsWith(`${RUNTIME_DIRECTORY_PREFIX}${this.process.pid}-`))
      .map((name) => join(base, name));
  }

  /** Waits for the exit code, and for the end of what it had to say. */
  async exit(): Promise<number> {
    const code = await this.process.exited;
    await this.#allRead;
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.process.kill("SIGKILL");
    await this.process.exited;
    for (const path of this.runtimeDirectories()) rmSync(path, { recursive: true });
    rmSync(this.directory, { recursive: true });
  }

  #writeSettings(): void {
    const text = Object.entries(this.#settings).map(([name, value]) => `${name}=${value}\n`);
    writeFileSync(this.#envFile, text.join(""));
  }

  async #read(stderr: ReadableStream<Uint8Array>): Promise<void> {
    for await (const chunk of stderr) this.#take(chunk);
  }

  #take(chunk: Uint8Array): void {
    const text = this.#decoder.decode(chunk, { stream: true });
    this.#stderr += text;
    const parts = (this.#rest + text).split(/\r?\n/);
    this.#rest = parts.pop() ?? "";
    for (const line of parts) {
      if (!line.startsWith("{")) continue;
      const fields = JSON.parse(line);
      this.lines.push({ ...fields, message: fields.msg });
    }
  }
}
