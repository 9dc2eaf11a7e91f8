/** States, kinds and modes in words, with the colour that goes with each, and what to do about trouble. */

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

/** What a degraded mode means, and what to do. */
export interface Advice {
  readonly title: string;
  readonly text: string;
}

/** Of a mode of `neurabalancer_degraded`; of one that this page does not know, what can be said of any. */
export function adviceFor(mode: string): Advice {
  return (
    ADVICE[mode] ?? {
      title: mode.replaceAll("_", " "),
      text: "The log says since when and why; GET /api/v1/status has the details.",
    }
  );
}

const ADVICE: Readonly<Record<string, Advice>> = {
  configuration: {
    title: "An older configuration is in force",
    text: "The last reload was refused. Read its problems with `neurabalancer check`, mend them, and reload.",
  },
  store: {
    title: "The store cannot be reached",
    text: "Requests are served. What is learned and counted waits in memory, then is lost. Look at disk space and at the database.",
  },
  history: {
    title: "History is not kept",
    text: "Requests are served. Charts of days will have a gap. Look at the recorder's lines in the log, at disk space and at the database.",
  },
  learner: {
    title: "Nothing is learned at the moment",
    text: "Workers balance by their own estimates until it is back. If it stays so, the log says why the learner ends.",
  },
  operations: {
    title: "Changes do not last",
    text: "They cannot be kept, so a change is refused unless it is for this run only. Look at DATA_DIR, its space, and whether another instance uses it.",
  },
  discovery: {
    title: "Names of servers are not resolved",
    text: "The last known addresses are used. Look at the resolver and at the names in SERVERS.",
  },
  panic: {
    title: "Panic: too few servers are well",
    text: "Requests go to all servers, well or not, because the few that are left could not bear them. Bring servers back.",
  },
  logging: { title: "Log lines are lost", text: "Whoever reads the log is too slow, or its disk is full." },
  tracing: { title: "Traces are not delivered", text: "The collector does not take them. Requests are not affected." },
  telemetry: {
    title: "Traces are not delivered",
    text: "The collector does not take them. Requests are not affected.",
  },
  workers: {
    title: "Fewer workers than wanted",
    text: "One has died and is being started again. The log has its last words.",
  },
  certificates: {
    title: "A certificate cannot be used or renewed",
    text: "The one before is served as long as it lasts. See Settings → Certificates.",
  },
};
