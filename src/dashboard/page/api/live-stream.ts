/**
 * Keeps the stream of `GET /api/v1/live` open: reads it, notices when it falls silent, tries again with growing pauses, and
 * says which event was the last so that those in between come again.
 */
import type { LiveFrame } from "../../../shared/live/frame.ts";
import type { TimelineEvent } from "../../../shared/live/timeline.ts";
import type { LiveTopology } from "../../../shared/live/topology.ts";
import { backoffMs } from "./backoff.ts";
import { ApiProblem } from "./problem.ts";
import { SseParser, type StreamEvent } from "./sse-parser.ts";

/** Who hears of it. */
export interface StreamListener {
  frame(frame: LiveFrame): void;
  topology(topology: LiveTopology): void;
  event(event: TimelineEvent): void;
  /** It is there, with its first event. */
  connected(): void;
  /** It is not, and why. @param retryMs when the next try is due; `null` = no more tries until `start`. */
  lost(problem: ApiProblem, retryMs: number | null): void;
}

/** What it needs of the world. */
export interface StreamSurroundings {
  open(path: string, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<Response>;
  after(ms: number, then: () => void): () => void;
  chance(): number;
}

/** Frames come once a second; when none came for so long, nobody is there. */
const SILENCE_MS = 6_000;
const PATH = "/api/v1/live";
/** Pieces of a stream that was there for a while. */
const LASTING = 10;
/** Instead of a number of tries that failed. */
const CONNECTED = -1;

export class LiveStream {
  readonly #listener: StreamListener;
  readonly #world: StreamSurroundings;
  #lastId = "";
  #tries = 0;
  #run = 0;
  #abort: AbortController | null = null;
  #cancelRetry: () => void = () => {};
  #cancelSilence: () => void = () => {};

  constructor(listener: StreamListener, world: StreamSurroundings) {
    this.#listener = listener;
    this.#world = world;
  }

  /** Begins at once, whatever is waited for. */
  start(): void {
    this.stop();
    if (this.#tries === CONNECTED) this.#tries = 0;
    const run = ++this.#run;
    this.#abort = new AbortController();
    void this.#read(run, this.#abort);
  }

  /** No more events, and no more tries. */
  stop(): void {
    this.#run++;
    this.#cancelRetry();
    this.#cancelSilence();
    this.#abort?.abort();
  }

  async #read(run: number, abort: AbortController): Promise<void> {
    let problem = new ApiProblem(0, "ended", "the stream ended");
    try {
      this.#listen(abort);
      const resume: Record<string, string> = this.#lastId === "" ? {} : { "last-event-id": this.#lastId };
      const response = await this.#world.open(PATH, { accept: "text/event-stream", ...resume }, abort.signal);
      const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
      const parser = new SseParser(this.#lastId);
      let seen = 0;
      for (;;) {
        const { done, value } = await reader.read();
        if (run !== this.#run) return;
        // It is ended in order from time to time, so that tokens are looked at again: that is no loss.
        if (done && seen >= LASTING) return this.start();
        if (done) break;
        this.#listen(abort);
        for (const event of parser.push(value)) this.#dispatch(event);
        seen++;
      }
    } catch (error) {
      if (run !== this.#run) return;
      problem = error instanceof ApiProblem ? error : new ApiProblem(0, "silent", "nothing came for some seconds");
    }
    this.#cancelSilence();
    this.#lost(problem);
  }

  #dispatch({ type, data, id }: StreamEvent): void {
    if (this.#tries !== CONNECTED) {
      this.#tries = CONNECTED;
      this.#listener.connected();
    }
    this.#lastId = id;
    if (type === "frame") this.#listener.frame(JSON.parse(data));
    else if (type === "topology") this.#listener.topology(JSON.parse(data));
    else if (type === "event") this.#listener.event(JSON.parse(data));
  }

  #listen(abort: AbortController): void {
    this.#cancelSilence();
    this.#cancelSilence = this.#world.after(SILENCE_MS, () => abort.abort());
  }

  #lost(problem: ApiProblem): void {
    this.#tries = Math.max(0, this.#tries) + 1;
    const final = problem.status === 401 || problem.status === 403;
    const wait = final ? null : backoffMs(this.#tries, this.#world.chance());
    this.#listener.lost(problem, wait);
    if (wait !== null) this.#cancelRetry = this.#world.after(wait, () => this.start());
  }
}
