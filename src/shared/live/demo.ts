/** `/api/v1/demo`, which is there only where `neurabalancer demo` has started the instance: trouble at the press of a button. */

/** Names the socket at which the demo takes orders; the demo sets it for the instance that it starts, and nobody else does. */
export const DEMO_SOCKET = "NEURABALANCER_DEMO_SOCKET";

/** What may be done to a server of the demo's; `heal` ends all of it. */
export const DEMO_TROUBLES = ["slow", "kill", "freeze", "heal"] as const;
/** One of them. */
export type DemoTrouble = (typeof DEMO_TROUBLES)[number];

/** `GET /api/v1/demo`. */
export interface DemoState {
  /** Requests a second that the demo's clients send. */
  readonly rate: number;
  /** What it may be set to. */
  readonly rates: readonly number[];
  readonly servers: readonly {
    readonly name: string;
    readonly url: string;
    /** `well`, `slow`, `frozen` or `dead`. */
    readonly condition: "well" | "slow" | "frozen" | "dead";
  }[];
}

/** `POST /api/v1/demo`: trouble for a server, or another rate. It is answered with the state. */
export type DemoOrder = { readonly server: string; readonly trouble: DemoTrouble } | { readonly rate: number };
