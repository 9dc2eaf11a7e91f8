/** The product as its tests here ask it: over its public port, with the access log read. */
import { expect } from "bun:test";
import { ProductProcess, sumOfSamples } from "../../../support/product-process.ts";
import { until } from "../../../support/until.ts";

export class Product extends ProductProcess {
  accessLog = "";
  /** How many of the requests that `names` sent were answered. */
  named = 0;

  constructor(settings: Readonly<Record<string, string>>) {
    super(settings, { stdout: "pipe" });
    void this.#readAccessLog();
  }

  async ready(): Promise<void> {
    await this.started();
    await until(async () => (await this.get("/health/ready")).status === 200);
  }

  /** A request on a connection of its own, so that both workers get some. */
  get(path: string): Promise<Response> {
    return fetch(`http://127.0.0.1:${this.port}${path}`, { keepalive: false, headers: { connection: "close" } });
  }

  async names(count: number): Promise<Record<string, number>> {
    const seen: Record<string, number> = {};
    for (let i = 0; i < count; i++) {
      const response = await this.get("/");
      if (response.status !== 200) throw new Error(`status ${response.status}: ${await response.text()}`);
      const name = await response.text();
      this.named++;
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
    return sumOfSamples(await response.text(), (line) => pattern.test(line));
  }

  async #readAccessLog(): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of this.process.stdout as ReadableStream<Uint8Array>) {
      this.accessLog += decoder.decode(chunk, { stream: true });
    }
  }
}
