/** Passes on to the demo that has started this instance what the page asks of it; anywhere else there is none. */
import { z } from "zod";
import { DEMO_TROUBLES, type DemoOrder, type DemoState } from "../../shared/live/demo.ts";
import { demoState } from "../admin/answers/live.ts";

const ANSWER_MS = 5_000;

/** An order, as it is sent. */
export const demoOrder = z.union([
  z.strictObject({ server: z.string().max(64), trouble: z.enum(DEMO_TROUBLES) }),
  z.strictObject({ rate: z.number() }),
]);

/** The demo refuses, or does not answer. */
export class DemoError extends Error {
  override readonly name = "DemoError";
  /** It understood, and says why not. */
  readonly refused: boolean;

  constructor(message: string, refused: boolean) {
    super(message);
    this.refused = refused;
  }
}

/** One demo's. */
export class DemoRelay {
  readonly #socket: string;

  /** @param socket path of the demo's. */
  constructor(socket: string) {
    this.#socket = socket;
  }

  /** What the demo is like, after `order` if there is one. Rejects with a `DemoError`. */
  async ask(order?: DemoOrder): Promise<DemoState> {
    let response: Response;
    let body: unknown;
    try {
      response = await fetch("http://demo/", {
        unix: this.#socket,
        method: order === undefined ? "GET" : "POST",
        body: order === undefined ? undefined : JSON.stringify(order),
        signal: AbortSignal.timeout(ANSWER_MS),
      });
      body = await response.json();
    } catch (cause) {
      throw new DemoError(`the demo does not answer: ${(cause as Error).message}`, false);
    }
    if (!response.ok) throw new DemoError(String((body as { message?: unknown }).message ?? "it refuses"), true);
    const state = demoState.safeParse(body);
    if (!state.success) throw new DemoError("the demo answers what is no state", false);
    return state.data;
  }
}
