/**
 * The connections of one worker to one server that speaks HTTP/1.1: each serves one request at a time. Idle ones are used
 * again, the freshest first; new ones are made with a deadline.
 */

import type { Endpoint } from "../../../protocol/endpoint.ts";
import { addressText } from "../../../shared/address-text.ts";
import { WorkerCounter } from "../../../shared/memory/layout/worker-counters.ts";
import { proxyHeader } from "../../../shared/proxy-protocol/writer.ts";
import { Failures } from "../../failure.ts";
import { FixedText } from "../../http1/fixed-text.ts";
import { ConnectCounts } from "../connect-counts.ts";
import type { UpstreamContext } from "../context.ts";
import type { Dial } from "../dial.ts";
import { hostOf } from "../host.ts";
import type { Upstream, UpstreamUser } from "../leg.ts";
import { type ConnectionOwner, Http1Connection } from "./connection.ts";

/** One server. */
export class Http1Upstream implements Upstream, ConnectionOwner {
  readonly endpoint: Endpoint;
  readonly addressText: FixedText;
  readonly hostBytes: Buffer;
  readonly #ctx: UpstreamContext;
  readonly #dial: Dial;
  readonly #idle: Http1Connection[] = [];
  readonly #counts: ConnectCounts;

  constructor(endpoint: Endpoint, ctx: UpstreamContext, dial: Dial) {
    this.endpoint = endpoint;
    this.addressText = new FixedText(addressText(endpoint.address, endpoint.port));
    this.#ctx = ctx;
    this.#dial = dial;
    this.hostBytes = hostOf(endpoint);
    this.#counts = new ConnectCounts(ctx, endpoint);
  }

  acquire(user: UpstreamUser, repeatable: boolean, fresh: boolean, nowMs: number): Http1Connection {
    return (fresh ? null : this.#takeIdle(user, repeatable, nowMs)) ?? this.#connect(user, nowMs);
  }

  /**
   * Takes an idle connection, or null. A request that may not be repeated gets only one that was used within the first
   * half of the idle time: the server is then hardly about to close it.
   */
  #takeIdle(user: UpstreamUser, repeatable: boolean, nowMs: number): Http1Connection | null {
    const { settings, counters } = this.#ctx;
    const at = settings.upstreamProxyProtocol === "off" ? this.#idle.length - 1 : this.#idleOf(user.clientAddress);
    if (at < 0) return null;
    const freshest = this.#idle[at];
    if (!repeatable && nowMs - freshest.idleSinceMs > settings.upstreamIdleTimeoutMs / 2) return null;
    if (at === this.#idle.length - 1) this.#idle.pop();
    else this.#idle.splice(at, 1);
    counters[WorkerCounter.UPSTREAM_IDLE]--;
    this.#counts.reused();
    freshest.use(user);
    return freshest;
  }

  /** Where the freshest idle connection of this client is; -1 = it has none. */
  #idleOf(clientAddress: Buffer): number {
    const client = clientAddress.toString("latin1");
    return this.#idle.findLastIndex((connection) => connection.client === client);
  }

  /** Starts a connection; the user hears of its success or failure later. */
  #connect(user: UpstreamUser, nowMs: number): Http1Connection {
    const { settings, wheel } = this.#ctx;
    const { upstreamProxyProtocol: version } = settings;
    const client = version === "off" ? "" : user.clientAddress.toString("latin1");
    const { address, port, tls } = this.endpoint;
    const preface = version === "off" ? null : proxyHeader(version, client, address, port);
    const dialled = { tls, client, preface, counts: this.#counts };
    const connection = new Http1Connection(this.#ctx, this, user, dialled, nowMs);
    this.#counts.begun();
    if (this.#counts.hopeless) {
      // Not at once: the caller does not hold the connection yet that it would be told of.
      queueMicrotask(() => connection.failed(Failures.CONNECT_TIMEOUT, nowMs));
      return connection;
    }
    wheel.set(connection, nowMs + settings.connectTimeoutMs);
    this.#dial(this.endpoint, settings, connection, preface);
    return connection;
  }

  release(connection: Http1Connection, nowMs: number): void {
    const { settings, counters } = this.#ctx;
    const told = connection.client !== "";
    const clean = connection.reusable && !connection.unread;
    const full = this.#idle.length >= settings.upstreamMaxIdle;
    if (!clean || this.#counts.retired || (full && !(told && this.#idle.length > 0))) {
      connection.destroy(true);
      return;
    }
    // Others' are of no use to this client: the one that has waited the longest goes.
    if (full) this.#idle[0].destroy(true);
    connection.becomeIdle(nowMs, settings.upstreamIdleTimeoutMs);
    this.#idle.push(connection);
    counters[WorkerCounter.UPSTREAM_IDLE]++;
  }

  retire(): void {
    this.#counts.retired = true;
    for (const connection of [...this.#idle]) connection.destroy(true);
  }

  closed(connection: Http1Connection, wasIdle: boolean): void {
    if (!wasIdle) return;
    const at = this.#idle.indexOf(connection);
    if (at >= 0) {
      this.#idle.splice(at, 1);
      this.#ctx.counters[WorkerCounter.UPSTREAM_IDLE]--;
    }
  }
}
