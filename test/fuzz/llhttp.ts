/** The other side of `llhttp-peer.mjs`. */
import { METHODS } from "../../src/shared/memory/series-table.ts";
import { spawn } from "../support/processes.ts";
import type { Message } from "./read-stream.ts";

export interface Case {
  readonly bytes: Uint8Array;
  /** Index into `METHODS` of the request that a response answers; null when the bytes are requests. */
  readonly responseTo: number | null;
}

export interface PeerStream {
  readonly messages: readonly Message[];
  /** Code of the error that ended the connection (`HPE_…`), or null. */
  readonly failure: string | null;
}

/** A Node process that parses for comparison. `close` it. */
export class LlhttpPeer {
  readonly #process = spawn([process.env.NODE_BINARY ?? "node", `${import.meta.dir}/llhttp-peer.mjs`], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
  readonly #reader = this.#process.stdout.getReader();
  #buffered = "";

  /** What llhttp makes of each case. One call at a time. */
  async read(cases: readonly Case[]): Promise<PeerStream[]> {
    const line = cases.map(({ bytes, responseTo }) => ({
      method: responseTo === null ? null : METHODS[responseTo],
      data: Buffer.from(bytes).toString("base64"),
    }));
    this.#process.stdin.write(`${JSON.stringify(line)}\n`);
    await this.#process.stdin.flush();
    const decoder = new TextDecoder();
    const pieces = [this.#buffered];
    for (;;) {
      const { value, done } = await this.#reader.read();
      if (done) throw new Error("the Node process ended");
      const text = decoder.decode(value, { stream: true });
      const end = text.indexOf("\n");
      if (end < 0) {
        pieces.push(text);
        continue;
      }
      pieces.push(text.slice(0, end));
      this.#buffered = text.slice(end + 1);
      return JSON.parse(pieces.join(""));
    }
  }

  async close(): Promise<void> {
    await this.#process.stdin.end();
    await this.#process.exited;
  }
}
