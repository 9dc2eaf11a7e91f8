/** Where the demo takes orders: the page's buttons, which reach it through the admin port of the instance that it started. */
import { z } from "zod";
import { DEMO_TROUBLES, type DemoState } from "../shared/live/demo.ts";
import type { Backends } from "./backends.ts";

const order = z.union([
  z.strictObject({ server: z.string().max(64), trouble: z.enum(DEMO_TROUBLES) }),
  z.strictObject({ rate: z.number() }),
]);

/** What the buttons work on. */
export interface ButtonsOptions {
  /** Path of the socket. */
  readonly path: string;
  readonly backends: Pick<Backends, "conditions" | "trouble">;
  /** Requests a second; `null` = there is no traffic yet. */
  readonly rate: () => number;
  readonly setRate: (perSecond: number) => void;
  /** What the demo was told to send: the rates to choose from are around it. */
  readonly usualRate: number;
  /** Something was done to a server, or to the rate. */
  readonly onOrder: (said: string) => void;
}

/** Open for as long as the demo runs. */
export class Buttons {
  readonly #options: ButtonsOptions;
  readonly #server: Bun.Server<undefined>;

  /** Opens the socket. Throws when it cannot be made. */
  constructor(options: ButtonsOptions) {
    this.#options = options;
    this.#server = Bun.serve({ unix: options.path, fetch: (request) => this.#respond(request) });
  }

  stop(): void {
    void this.#server.stop(true);
  }

  /** What the demo is like now. */
  state(): DemoState {
    const { backends, rate } = this.#options;
    return { rate: rate(), rates: this.#rates(), servers: backends.conditions() };
  }

  #rates(): readonly number[] {
    const { usualRate } = this.#options;
    return [0.25, 1, 2, 4].map((times) => Math.max(1, Math.round(usualRate * times)));
  }

  async #respond(request: Request): Promise<Response> {
    if (request.method !== "POST") return Response.json(this.state());
    const parsed = order.safeParse(await request.json().catch(() => null));
    const known = `{"server": name, "trouble": ${DEMO_TROUBLES.join(" | ")}} or {"rate": one of ${this.#rates().join(", ")}}`;
    if (!parsed.success) return refusal(`this is no order: give ${known}`);
    const problem = await this.#carryOut(parsed.data);
    return problem === null ? Response.json(this.state()) : refusal(problem);
  }

  async #carryOut(wanted: z.infer<typeof order>): Promise<string | null> {
    const { backends, setRate, onOrder } = this.#options;
    if ("rate" in wanted) {
      if (!this.#rates().includes(wanted.rate)) return `the rate may be ${this.#rates().join(", ")}`;
      setRate(wanted.rate);
      onOrder(`the clients send ${wanted.rate} requests a second`);
      return null;
    }
    try {
      const { server, trouble } = wanted;
      if (!(await backends.trouble(server, trouble))) return `there is no server ${server}`;
      onOrder(`${server}: ${trouble}, as the page asked for`);
      return null;
    } catch (error) {
      return (error as Error).message;
    }
  }
}

function refusal(message: string): Response {
  return Response.json({ message }, { status: 400 });
}
