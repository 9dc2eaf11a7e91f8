/** Degraded modes in words, and what to do about each. */
import type { DegradedMode } from "../../../shared/live/degraded-modes.ts";

/** What a degraded mode means, and what to do. */
export interface Advice {
  readonly title: string;
  readonly text: string;
}

/** Of a mode of `neurabalancer_degraded`; of one that this page does not know, what can be said of any. */
export function adviceFor(mode: string): Advice {
  return (
    (ADVICE as Readonly<Record<string, Advice | undefined>>)[mode] ?? {
      title: mode.replaceAll("_", " "),
      text: "The log says since when and why; GET /api/v1/status has the details.",
    }
  );
}

const ADVICE: Readonly<Record<DegradedMode, Advice>> = {
  panic: {
    title: "Panic: too few servers are well",
    text: "Requests go to all servers, well or not, because the few that are left could not bear them. Bring servers back.",
  },
  no_servers: {
    title: "A pool that routes lead to has no server that is up",
    text: "Servers says why each of them is out. Its requests get 503, or in panic are tried at servers that are thought to be down.",
  },
  workers: {
    title: "Fewer workers than wanted",
    text: "One has died and is being started again. The log has its last words.",
  },
  learner: {
    title: "Nothing is learned at the moment",
    text: "Workers balance by their own estimates until it is back. If it stays so, the log says why the learner ends.",
  },
  model: {
    title: "The model that should route cannot be used",
    text: "Requests are balanced without it. The learner's lines in the log say why it cannot be loaded or asked; mend the file or its server.",
  },
  learning_store: {
    title: "What is learned is not kept",
    text: "Requests are served. What is learned waits in memory, then is lost. Look at the learner's lines in the log, at disk space and at the database.",
  },
  history: {
    title: "History is not kept",
    text: "Requests are served. Charts of days will have a gap. Look at the recorder's lines in the log, at disk space and at the database.",
  },
  tracing: { title: "Traces are not delivered", text: "The collector does not take them. Requests are not affected." },
  configuration: {
    title: "An older configuration is in force",
    text: "The last reload was refused. Read its problems with `neurabalancer check`, mend them, and reload.",
  },
  certificates: {
    title: "Changed files of certificates are not used",
    text: "Those before are served as long as they last. The log says what is wrong with the new ones; they are looked at again until they fit.",
  },
  revocation_lists: {
    title: "A list of revoked certificates is out of date",
    text: "Clients that show a certificate of its authority are refused. Put its successor into TLS_CLIENT_CRL_FILE: it is in force within seconds.",
  },
  acme: {
    title: "A certificate is not to be had by ACME",
    text: "Settings → Certificates says which, why, and when it is tried again. What is there is served as long as it lasts.",
  },
  operations: {
    title: "Changes do not last",
    text: "They cannot be kept, so a change is refused unless it is for this run only. Look at DATA_DIR, its space, and whether another instance uses it.",
  },
  draining: {
    title: "This instance stops",
    text: "Requests that are under way come to their end; nothing is to be done.",
  },
  access_log: {
    title: "Lines of the access log are lost",
    text: "Whoever reads it is gone or too slow, or its disk is full. Requests wait for no line.",
  },
  log: {
    title: "Lines of the process log are lost",
    text: "Whoever reads standard error is too slow, or its disk is full.",
  },
  descriptors: {
    title: "Connections are refused for want of file descriptors",
    text: "Raise `ulimit -n`, and start the instance again.",
  },
  health_checks: {
    title: "Health checks cannot be made",
    text: "The instance lacks file descriptors, local ports, memory or CPU for them, so servers stay as they were. Is the machine overloaded?",
  },
  discovery: {
    title: "Addresses of servers are those last known",
    text: "DNS or the API server of Kubernetes does not answer, so servers that come or go are not noticed; some may have no address yet. The log says which, and why.",
  },
  rate_limits: {
    title: "A rate limit has no room for all keys",
    text: "Some are forgotten or not counted. Give it more max_keys, or tell clients apart by wider networks; many keys at once may be an attack.",
  },
  redis: {
    title: "Redis does not answer",
    text: "This instance goes on alone, by what it knows itself; rate limits that are shared do what they say of that (when_away). Its lines in the log and the card of the cluster under Settings say why.",
  },
  sockets: {
    title: "Requests cost more than they should",
    text: "The system does not allow sockets of our own, so the runtime's stand in. The workers' lines in the log say why.",
  },
  wakes: {
    title: "Requests wait longer than they have to",
    text: "Workers cannot tell each other of places that come free at servers, so each looks for them now and then. The workers' lines in the log say why.",
  },
  memory: {
    title: "The shared memory is full",
    text: "There is no room for another server or worker. Look at /dev/shm.",
  },
};
