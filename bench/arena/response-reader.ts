/** Finds one response after the other in what comes over a connection: status, body, and whether the connection lives on. */

/** A complete response. */
export interface ReadResponse {
  readonly status: number;
  readonly body: string;
  /** Another request may follow on the connection. */
  readonly keepsAlive: boolean;
}

/** Knows Content-Length only: that is what the emulated servers and the proxies' own error pages have. */
export class ResponseReader {
  #carried = "";

  /** Something of a response has come, but not all. */
  get midway(): boolean {
    return this.#carried !== "";
  }

  /** Bytes after the end of a response are an `Error`. @returns null while the response is not complete. */
  push(bytes: Buffer): ReadResponse | null {
    const text = this.#carried + bytes.toString("latin1");
    const blank = text.indexOf("\r\n\r\n");
    if (blank < 0) {
      this.#carried = text;
      return null;
    }
    const head = text.slice(0, blank + 2);
    const length = /\r\ncontent-length: *(\d+)\r\n/i.exec(head);
    if (length === null) throw new Error(`a response without Content-Length: ${head}`);
    const end = blank + 4 + Number(length[1]);
    if (text.length < end) {
      this.#carried = text;
      return null;
    }
    if (text.length > end) throw new Error(`bytes after the end of a response: ${text.slice(end, end + 100)}`);
    this.#carried = "";
    return {
      status: Number(head.slice(9, 12)),
      body: text.slice(blank + 4),
      keepsAlive: !/\r\nconnection: *close\r\n/i.test(head),
    };
  }
}
