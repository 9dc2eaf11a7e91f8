/**
 * The client's deadline while an exchange serves it: what the client has to do next follows from the state, and this is
 * the one place that sets the time it has for that.
 */
import type { TimerWheel } from "../sockets/timer-wheel.ts";
import type { Downstream } from "./downstream.ts";
import { Phase } from "./phase.ts";
import type { ProxiedRequest } from "./request.ts";

/** What the client has to do next. */
export const ClientTask = {
  /** Nothing: it is the server's turn. */
  NONE: 0,
  /** To wait for a server with room. */
  WAIT: 1,
  /** To send more of its request. */
  SEND: 2,
  /** To take what is queued of its response. */
  TAKE: 3,
} as const;
export type ClientTask = (typeof ClientTask)[keyof typeof ClientTask];

/**
 * @param queuedBytes what the client has not taken yet.
 * @param bodyAwaited the server has the head of the request and takes more of its body.
 */
export function clientTask(phase: Phase, queuedBytes: number, bodyAwaited: boolean): ClientTask {
  switch (phase) {
    case Phase.QUEUED:
      return ClientTask.WAIT;
    case Phase.ATTEMPTING:
      return bodyAwaited ? ClientTask.SEND : ClientTask.NONE;
    case Phase.RESPONDING:
      // Who does not take the response need not send either: one that does neither is given no more time by it.
      if (queuedBytes > 0) return ClientTask.TAKE;
      return bodyAwaited ? ClientTask.SEND : ClientTask.NONE;
    default:
      return ClientTask.NONE; // a tunnel has a deadline of its own, and so has a question
  }
}

/** Milliseconds for a task without progress. */
function timeFor(task: ClientTask, request: TimedRequest): number {
  switch (task) {
    case ClientTask.WAIT:
      return request.pool.settings.queueTimeoutMs;
    case ClientTask.SEND:
      return request.requestBodyTimeoutMs;
    default:
      return request.target.settings.responseBodyTimeoutMs;
  }
}

/** What says how long the client has. */
type TimedRequest = Pick<ProxiedRequest, "pool" | "target" | "requestBodyTimeoutMs">;

/** One exchange's. */
export class ClientDeadline {
  readonly #wheel: TimerWheel;
  readonly #request: TimedRequest;
  #task: ClientTask = ClientTask.NONE;

  constructor(wheel: TimerWheel, request: TimedRequest) {
    this.#wheel = wheel;
    this.#request = request;
  }

  /** What the deadline is for. */
  get task(): ClientTask {
    return this.#task;
  }

  /**
   * `client` has to do `task` now. A deadline that is for the same as before stays as it is.
   * @param moved unless this is what has made progress.
   */
  update(client: Downstream, task: ClientTask, moved: ClientTask, nowMs: number): void {
    if (task === this.#task && (task !== moved || task === ClientTask.NONE)) return;
    this.#task = task;
    if (task === ClientTask.NONE) this.#wheel.clear(client);
    else this.#wheel.set(client, nowMs + timeFor(task, this.#request));
  }
}
