/**
 * The connections of one worker to one server: idle ones are used again, the freshest first; new ones are made with a
 * deadline. Nothing waits here: limits on concurrency are the picker's.
 */

import { WorkerCounter } from "../../shared/layout.ts";
import type { Endpoint } from "../../shared/protocol.ts";
import { Failures } from "../failure.ts";
import type { TimerWheel } from "../sockets/timer-wheel.ts";
import { UpstreamConnection, type UpstreamUser } from "./connection.ts";
import type { Dial } from "./dial.ts";

/** The settings that a pool looks at. */
export interface PoolSettings {
  readonly connectTimeoutMs: number;
  readonly upstreamIdleTimeoutMs: number;
  readonly upstreamMaxIdle: number;
  readonly upstreamCaPem: string;
}

/**
 * Bun can't cancel a connect: one that timed out lives on in the kernel for about two minutes. More than this many of
 * them, and the server is taken to be unreachable without trying.
 */
const MAX_ABANDONED = 128;

/** The pool of one server. */
export class UpstreamPool {
  readonly endpoint: Endpoint;
  readonly #wheel: TimerWheel;
  readonly #counters: Float64Array;
  readonly #dial: Dial;
  settings: PoolSettings;
  readonly #idle: UpstreamConnection[] = [];
  #abandoned = 0;
  #retired = false;
  /** What `Host` is when the client sent none. */
  readonly hostBytes: Buffer;

  constructor(endpoint: Endpoint, settings: PoolSettings, wheel: TimerWheel, counters: Float64Array, dial: Dial) {
    this.endpoint = endpoint;
    this.settings = settings;
    this.#wheel = wheel;
    this.#counters = counters;
    this.#dial = dial;
    const { host } = new URL(endpoint.url);
    // As for checks and TLS: the dot that makes a name complete is for the resolver, virtual hosts have none.
    this.hostBytes = Buffer.from(host.replace(/\.(?=:|$)/, ""), "latin1");
  }

  get idleCount(): number {
    return this.#idle.length;
  }

  /**
   * Takes an idle connection, or null. A request that may not be repeated gets only one that was used within the first
   * half of the idle time: the server is then hardly about to close it.
   */
  takeIdle(user: UpstreamUser, repeatable: boolean, nowMs: number): UpstreamConnection | null {
    const freshest = this.#idle.at(-1);
    if (freshest === undefined) return null;
    if (!repeatable && nowMs - freshest.idleSinceMs > this.settings.upstreamIdleTimeoutMs / 2) return null;
    this.#idle.pop();
    this.#counters[WorkerCounter.UPSTREAM_IDLE]--;
    this.#counters[WorkerCounter.UPSTREAM_REUSES]++;
    freshest.use(user);
    return freshest;
  }

  /** Starts a connection; the user hears of its success or failure later. */
  connect(user: UpstreamUser, nowMs: number): UpstreamConnection {
    const connection = new UpstreamConnection(this, user, this.#wheel);
    this.#counters[WorkerCounter.UPSTREAM_CONNECTS]++;
    if (this.#abandoned >= MAX_ABANDONED) {
      // Not at once: the caller does not hold the connection yet that it would be told of.
      queueMicrotask(() => connection.failed(Failures.CONNECT_TIMEOUT, nowMs));
      return connection;
    }
    this.#wheel.set(connection, nowMs + this.settings.connectTimeoutMs);
    this.#dial(this.endpoint, this.settings.upstreamCaPem, connection);
    return connection;
  }

  /** Takes back a connection whose exchange ended cleanly. */
  release(connection: UpstreamConnection, nowMs: number): void {
    const clean = connection.reusable && !connection.unread;
    if (!clean || this.#retired || this.#idle.length >= this.settings.upstreamMaxIdle) {
      connection.destroy(true);
      return;
    }
    connection.becomeIdle(nowMs, this.settings.upstreamIdleTimeoutMs);
    this.#idle.push(connection);
    this.#counters[WorkerCounter.UPSTREAM_IDLE]++;
  }

  /** The server left the fleet: idle connections are closed now, busy ones when their exchange ends. */
  retire(): void {
    this.#retired = true;
    for (const connection of [...this.#idle]) connection.destroy(true);
  }

  /** A connection was closed. */
  closed(connection: UpstreamConnection, wasIdle: boolean): void {
    if (!wasIdle) return;
    const at = this.#idle.indexOf(connection);
    if (at >= 0) {
      this.#idle.splice(at, 1);
      this.#counters[WorkerCounter.UPSTREAM_IDLE]--;
    }
  }

  connectFailed(): void {
    this.#counters[WorkerCounter.UPSTREAM_CONNECT_FAILURES]++;
  }

  abandoned(): void {
    this.#abandoned++;
    this.#counters[WorkerCounter.UPSTREAM_CONNECT_FAILURES]++;
  }

  abandonedEnded(): void {
    this.#abandoned--;
  }
}
