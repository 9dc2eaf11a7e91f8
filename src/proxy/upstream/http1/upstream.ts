/**
 * The connections of one worker to one server that speaks HTTP/1.1: each serves one request at a time. Idle ones are used
 * again, the freshest first; new ones are made with a deadline.
 */

import type { Endpoint } from "../../../protocol/endpoint.ts";
import { addressText } from "../../../shared/address-text.ts";
import { countBriefDuration } from "../../../shared/memory/duration-table.ts";
import { WorkerCounter } from "../../../shared/memory/layout/shared-memory.ts";
import { proxyHeader } from "../../../shared/proxy-protocol/writer.ts";
import { Failures } from "../../failure.ts";
import { FixedText } from "../../http1/fixed-text.ts";
import type { UpstreamContext } from "../context.ts";
import type { Dial } from "../dial.ts";
import type { Upstream, UpstreamUser } from "../leg.ts";
import { type ConnectionOwner, Http1Connection } from "./connection.ts";

/**
 * Bun can't cancel a connect: one that timed out lives on in the kernel for about two minutes. More than this many of
 * them, and the server is taken to be unreachable without trying.
 */
const MAX_ABANDONED = 128;

/** One server. */
export class Http1Upstream implements Upstream, ConnectionOwner {
  readonly endpoint: Endpoint;
  readonly addressText: FixedText;
  readonly hostBytes: Buffer;
  readonly #ctx: UpstreamContext;
  readonly #dial: Dial;
  readonly #idle: Http1Connection[] = [];
  #abandoned = 0;
  #retired = false;

  constructor(endpoint: Endpoint, ctx: UpstreamContext, dial: Dial) {
    this.endpoint = endpoint;
    this.addressText = new FixedText(addressText(endpoint.address, endpoint.port));
    this.#ctx = ctx;
    this.#dial = dial;
    const { host } = new URL(endpoint.url);
    // As for checks and TLS: the dot that makes a name complete is for the resolver, virtual hosts have none.
    this.hostBytes = Buffer.from(host.replace(/\.(?=:|$)/, ""), "latin1");
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
    counters[WorkerCounter.UPSTREAM_REUSES]++;
    this.#ctx.block.reuses[this.endpoint.slot]++;
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
    const { settings, counters, wheel } = this.#ctx;
    const { upstreamProxyProtocol: version } = settings;
    const client = version === "off" ? "" : user.clientAddress.toString("latin1");
    const { address, port } = this.endpoint;
    const preface = version === "off" ? null : proxyHeader(version, client, address, port);
    const connection = new Http1Connection(this.#ctx, this, user, client, preface, nowMs);
    counters[WorkerCounter.UPSTREAM_CONNECTS]++;
    if (this.#abandoned >= MAX_ABANDONED) {
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
    const told = connection.preface !== null;
    const clean = connection.reusable && !connection.unread;
    const full = this.#idle.length >= settings.upstreamMaxIdle;
    if (!clean || this.#retired || (full && !(told && this.#idle.length > 0))) {
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
    this.#retired = true;
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

  connected(connectMs: number, tlsMs: number): void {
    if (this.#retired) return; // the slot may be another server's by now
    const { block } = this.#ctx;
    const { slot } = this.endpoint;
    countBriefDuration(block.connects, slot, connectMs / 1000);
    if (!Number.isNaN(tlsMs)) countBriefDuration(block.handshakes, slot, tlsMs / 1000);
  }

  connectFailed(): void {
    this.#ctx.counters[WorkerCounter.UPSTREAM_CONNECT_FAILURES]++;
  }

  abandoned(): void {
    this.#abandoned++;
    this.#ctx.counters[WorkerCounter.UPSTREAM_CONNECT_FAILURES]++;
  }

  abandonedEnded(): void {
    this.#abandoned--;
  }
}
