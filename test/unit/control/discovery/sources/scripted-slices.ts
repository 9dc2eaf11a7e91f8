/** An API server of Kubernetes without a network: one service with one endpoint. */
import type { SliceApi, SliceEvent, SliceList } from "../../../../../src/control/discovery/kubernetes/api.ts";
import type { Slice } from "../../../../../src/control/discovery/kubernetes/slice.ts";

export class ScriptedSlices implements SliceApi {
  readonly #asked: () => Promise<void>;
  #slice: Slice | undefined;
  #version = 1;
  /** What the open watch has not told yet. */
  #waiting: (SliceEvent | Error)[] = [];
  #wake: () => void = () => {};

  /** @param asked is called with each question, which is answered when it resolves. */
  constructor(asked: () => Promise<void>) {
    this.#asked = asked;
  }

  /** The one endpoint is this. */
  tell(address: string): void {
    this.#slice = sliceOf(address);
    this.push({ kind: "changed", slice: this.#slice, version: `${++this.#version}` });
  }

  /** Nobody answers any more. */
  silence(): void {
    this.#slice = undefined;
    this.push(new Error("ECONNRESET"));
  }

  /** What the open watch says next; an error ends it. */
  push(event: SliceEvent | Error): void {
    this.#waiting.push(event);
    this.#wake();
  }

  async list(): Promise<SliceList> {
    await this.#asked();
    if (this.#slice === undefined) throw new Error("ECONNREFUSED");
    return { slices: [this.#slice], version: `${this.#version}` };
  }

  async watch(_service: unknown, _version: string, signal: AbortSignal): Promise<AsyncIterable<SliceEvent>> {
    await this.#asked();
    if (this.#slice === undefined) throw new Error("ECONNREFUSED");
    this.#waiting = [];
    return this.#events(signal);
  }

  async *#events(signal: AbortSignal): AsyncGenerator<SliceEvent> {
    const aborted = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
    while (!signal.aborted) {
      for (const event of this.#waiting.splice(0)) {
        if (event instanceof Error) throw event;
        yield event;
      }
      await Promise.race([aborted, new Promise<void>((resolve) => (this.#wake = resolve))]);
    }
  }
}

function sliceOf(address: string): Slice {
  const state = { ready: true, serving: true, terminating: false };
  const endpoint = { address, ...state, zone: null, forZones: [], owner: null };
  return {
    name: "web-1",
    addressType: "IPv4",
    ports: [{ name: "http", number: 8080 }],
    endpoints: [endpoint],
    leftOut: 0,
  };
}
