/** Server-Sent Events from pieces of text, as the HTML standard reads them; `fetch` takes a token, EventSource does not. */

/** One event. */
export interface StreamEvent {
  readonly type: string;
  readonly data: string;
  /** The last `id:` so far; empty = none yet. */
  readonly id: string;
}

/** A line that never ends is no stream of ours. */
const LONGEST = 8 * 1024 * 1024;

export class SseParser {
  #rest = "";
  #type = "";
  #data: string[] = [];
  #id = "";

  /** @param id known from an earlier stream. */
  constructor(id = "") {
    this.#id = id;
  }

  /** The events that are complete with this piece. Throws where a line grows beyond 8 MiB. */
  push(piece: string): StreamEvent[] {
    const text = this.#rest + piece;
    const lines = text.split("\n");
    this.#rest = lines.pop() ?? "";
    if (this.#rest.length > LONGEST) throw new Error("the stream sends a line without an end");
    const events: StreamEvent[] = [];
    for (const line of lines) {
      const event = this.#line(line.endsWith("\r") ? line.slice(0, -1) : line);
      if (event !== null) events.push(event);
    }
    return events;
  }

  #line(line: string): StreamEvent | null {
    if (line === "") return this.#dispatch();
    const colon = line.indexOf(":");
    if (colon === 0) return null;
    const name = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "data") this.#data.push(value);
    else if (name === "event") this.#type = value;
    else if (name === "id" && !value.includes("\0")) this.#id = value;
    return null;
  }

  #dispatch(): StreamEvent | null {
    const event = { type: this.#type === "" ? "message" : this.#type, data: this.#data.join("\n"), id: this.#id };
    const empty = this.#data.length === 0;
    this.#type = "";
    this.#data = [];
    return empty ? null : event;
  }
}
