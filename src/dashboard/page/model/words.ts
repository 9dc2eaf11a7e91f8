/** Colours of states and kinds. */

/** Colours by what they mean. */
export type Tone = "ok" | "warn" | "bad" | "info" | "accent" | "idle";

/** Of a server's state. */
export function toneOfState(state: string): Tone {
  return STATE_TONES[state] ?? "idle";
}

const STATE_TONES: Readonly<Record<string, Tone>> = {
  up: "ok",
  down: "bad",
  ejected: "bad",
  starting: "info",
  draining: "warn",
  maintenance: "warn",
  standby: "idle",
};

/** Of an event on the time line. */
export function toneOfEvent(kind: string, message = ""): Tone {
  if (kind === "health" || kind === "state") return /\b(down|failed|dead)\b/.test(message) ? "bad" : "ok";
  return EVENT_TONES[kind] ?? "idle";
}

const EVENT_TONES: Readonly<Record<string, Tone>> = {
  ejection: "bad",
  degraded: "warn",
  process: "warn",
  restart: "warn",
  panic: "bad",
  reload: "info",
  change: "accent",
  verdict: "info",
  rung: "info",
};
