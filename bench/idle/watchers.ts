/** Who has the page open: readers of the live stream of the admin API, who do nothing with what they read. */

/** All of one run. */
export class Watchers {
  readonly #abort = new AbortController();
  readonly #reading: Promise<void>[];
  #stopped = false;
  /** What all together have read, bytes. */
  bytes = 0;

  /** They begin at once. */
  constructor(adminUrl: string, count: number) {
    this.#reading = Array.from({ length: count }, () => this.#read(`${adminUrl}/api/v1/live`));
  }

  /** Rejects when a stream has ended before: then nobody watched. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#abort.abort();
    await Promise.all(this.#reading);
  }

  async #read(url: string): Promise<void> {
    try {
      const response = await fetch(url, { signal: this.#abort.signal, headers: { accept: "text/event-stream" } });
      if (response.status !== 200 || response.body === null) throw new Error(`${url} answered ${response.status}`);
      for await (const chunk of response.body) this.bytes += chunk.byteLength;
      throw new Error(`${url} ended`);
    } catch (error) {
      if (!this.#stopped) throw error;
    }
  }
}
