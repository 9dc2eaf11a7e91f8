/**
 * Did requests wait for each other? Where all of them take nearly the same time they are done in the order of their arrival
 * without any queue; but then their latencies do not grow with how many are there, and are likelier as they are than as what
 * is left of them behind a queue.
 */
import type { ServerLog } from "./server-log.ts";
import { StepKind, serviceSteps } from "./service.ts";

/** So much, in log-likelihood, has to speak against a queue that the order of completions shows. */
const AGAINST = 30;

/** Whether `workers`, first come, first served, make the latencies of a server likelier than no queue does, or as likely. */
export function isQueue(log: ServerLog, workers: number): boolean {
  if (workers === Number.POSITIVE_INFINITY) return false;
  const { count, kind, atMs, request } = serviceSteps(log, { workers, discipline: "fifo" }, false, 0);
  const begunMs = new Float64Array(log.request.length);
  const services = new LogNormal();
  const latencies = new LogNormal();
  for (let step = 0; step < count; step++) {
    const of = request[step];
    if (kind[step] === StepKind.BEGIN) begunMs[of] = atMs[step];
    else {
      services.add(atMs[step] - begunMs[of]);
      latencies.add(atMs[step] - log.sentMs[of]);
    }
  }
  return services.logLikelihood > latencies.logLikelihood - AGAINST;
}

/** Times that are taken to be lognormal. */
class LogNormal {
  #count = 0;
  #sum = 0;
  #squares = 0;

  add(ms: number): void {
    const log = Math.log(Math.max(1e-3, ms));
    this.#count++;
    this.#sum += log;
    this.#squares += log * log;
  }

  /** Of all that were added, by the likeliest such distribution; but for a constant. */
  get logLikelihood(): number {
    if (this.#count === 0) return 0;
    const mean = this.#sum / this.#count;
    const variance = Math.max(1e-6, this.#squares / this.#count - mean * mean);
    return -this.#count * (0.5 * Math.log(variance) + mean);
  }
}
