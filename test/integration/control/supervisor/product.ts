/** The whole product as a process of its own: launcher, supervisor, real workers. */
import { expect } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spawn } from "../../../support/processes.ts";
import { until } from "../../../support/until.ts";

const LAUNCHER = join(import.meta.dir, "../../../../bin/neurabalancer");

interface Line {
  readonly msg: string;
  readonly level: string;
  readonly [field: string]: unknown;
}

export class Product {
  readonly directory = mkdtempSync(join(tmpdir(), "nb-product-"));
  readonly process: Bun.Subprocess<"ignore", "pipe", "pipe">;
  readonly lines: Line[] = [];
  accessLog = "";
  #stderr = "";

  /** Settings are in `.env` of its directory, as a stranger would have them. */
  constructor(settings: Record<string, string>) {
    this.configure(settings);
    this.process = spawn({
      cmd: [LAUNCHER, "serve"],
      cwd: this.directory,
      env: { PATH: process.env.PATH, HOME: process.env.HOME },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    void this.#readLog();
    void this.#readAccessLog();
  }

  configure(settings: Record<string, string>): void {
    const text = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`);
    writeFileSync(join(this.directory, ".env"), text.join(""));
  }

  /** Waits until the workers run. */
  async started(): Promise<void> {
    await until(() => this.said("balancing over") !== undefined || this.process.exitCode !== null);
    if (this.process.exitCode !== null) throw new Error(`it ended with ${this.process.exitCode}: ${this.#stderr}`);
  }

  async ready(): Promise<void> {
    await this.started();
    await until(async () => (await this.get("/health/ready")).status === 200);
  }

  said(text: string): Line | undefined {
    return this.lines.find((line) => line.msg.includes(text));
  }

  get port(): number {
    return this.said("balancing over")?.port as number;
  }

  /** A request on a connection of its own, so that both workers get some. */
  get(path: string): Promise<Response> {
    return fetch(`http://127.0.0.1:${this.port}${path}`, { keepalive: false, headers: { connection: "close" } });
  }

  admin(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(`http://127.0.0.1:${this.said("admin API listens")?.port}${path}`, init);
  }

  async names(count: number): Promise<Record<string, number>> {
    const seen: Record<string, number> = {};
    for (let i = 0; i < count; i++) {
      const response = await this.get("/");
      if (response.status !== 200) throw new Error(`status ${response.status}: ${await response.text()}`);
      const name = await response.text();
      seen[name] = (seen[name] ?? 0) + 1;
    }
    return seen;
  }

  async workers(): Promise<{ pid: number; state: string; restarts: number }[]> {
    return ((await (await this.admin("/api/v1/status")).json()) as { workers: never[] }).workers;
  }

  /** Sum of the samples of a metric whose line matches. */
  async metric(pattern: RegExp): Promise<number> {
    const response = await this.get("/metrics");
    expect(response.headers.get("content-type")).toStartWith("text/plain; version=0.0.4");
    const lines = (await response.text()).split("\n").filter((line) => pattern.test(line));
    return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
  }

  async end(): Promise<void> {
    this.process.kill("SIGKILL");
    await this.process.exited;
    rmSync(this.directory, { recursive: true });
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
    }
  }

  async #readAccessLog(): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of this.process.stdout) this.accessLog += decoder.decode(chunk, { stream: true });
  }
}
