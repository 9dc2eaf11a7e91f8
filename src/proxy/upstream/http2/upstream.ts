/**
 * The connections of one worker to one server that speaks HTTP/2: requests share them, as many as the server allows at once.
 * Another one is made when all of them are full, and those that nobody needs any more end by themselves.
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
import { MAX_STALLED } from "./bounds.ts";
import type { Http2Coding } from "./coding.ts";
import { Http2Session, type SessionOwner } from "./session.ts";
import { type Http2Stream, spareStreams } from "./stream.ts";

/** One server. */
export class Http2Upstream implements Upstream, SessionOwner {
  readonly endpoint: Endpoint;
  readonly addressText: FixedText;
  readonly hostBytes: Buffer;
  readonly coding: Http2Coding;
  readonly #ctx: UpstreamContext;
  readonly #dial: Dial;
  readonly #counts: ConnectCounts;
  /** Those that take requests, or will: the oldest first, so that younger ones fall idle when there is less to do. */
  readonly #sessions: Http2Session[] = [];
  #idle = 0;

  constructor(endpoint: Endpoint, ctx: UpstreamContext, dial: Dial, coding: Http2Coding) {
    this.endpoint = endpoint;
    this.addressText = new FixedText(addressText(endpoint.address, endpoint.port));
    this.hostBytes = hostOf(endpoint);
    this.coding = coding;
    this.#ctx = ctx;
    this.#dial = dial;
    this.#counts = new ConnectCounts(ctx, endpoint);
  }

  get secure(): boolean {
    return this.endpoint.tls;
  }

  acquire(user: UpstreamUser, repeatable: boolean, fresh: boolean, nowMs: number): Http2Stream {
    const stream = spareStreams.take();
    stream.begin(this.#ctx, user);
    this.#place(stream, this.#clientOf(user), repeatable, fresh, nowMs);
    return stream;
  }

  /** Whose connection it has to be; "" = anybody's. */
  #clientOf(user: UpstreamUser): string {
    return this.#ctx.settings.upstreamProxyProtocol === "off" ? "" : user.clientAddress.toString("latin1");
  }

  #place(stream: Http2Stream, client: string, repeatable: boolean, fresh: boolean, nowMs: number): void {
    const session = this.#find(client, repeatable, fresh, nowMs) ?? this.#connect(client, nowMs);
    if (session.isIdle) this.#noLongerIdle();
    if (!session.isPending) this.#counts.reused();
    session.take(stream);
  }

  /**
   * A connection that has room, or will have when it is made. A request that may not be repeated gets none that was unused for
   * the second half of the idle time: the server may be about to close it. One that stands still, because the server withholds its
   * window, is left alone unless there are many.
   */
  #find(client: string, repeatable: boolean, fresh: boolean, nowMs: number): Http2Session | null {
    const { settings, counters } = this.#ctx;
    let stalled = 0;
    let last: Http2Session | null = null;
    for (const session of this.#sessions) {
      if (session.client !== client || session.room <= 0 || (fresh && !session.isPending)) continue;
      if (!repeatable && nowMs - session.idleSinceMs > settings.upstreamIdleTimeoutMs / 2) continue;
      if (!session.isStalled(nowMs)) return session;
      stalled++;
      last = session;
    }
    if (stalled >= MAX_STALLED) return last;
    if (stalled > 0) counters[WorkerCounter.UPSTREAM_STALLS]++;
    return null;
  }

  /** Starts a connection; whoever waits for it hears of its success or failure later. */
  #connect(client: string, nowMs: number): Http2Session {
    const { settings, wheel } = this.#ctx;
    const { upstreamProxyProtocol: version } = settings;
    const { address, port, tls } = this.endpoint;
    const preface = version === "off" ? null : proxyHeader(version, client, address, port);
    const session = new Http2Session(this.#ctx, this, { tls, client, preface, counts: this.#counts }, nowMs);
    this.#sessions.push(session);
    this.#counts.begun();
    if (this.#counts.hopeless) {
      // Not at once: the caller does not hold the stream yet that it would be told of.
      queueMicrotask(() => session.failed(Failures.CONNECT_TIMEOUT, nowMs));
      return session;
    }
    wheel.set(session, nowMs + settings.connectTimeoutMs);
    this.#dial(this.endpoint, settings, session, preface);
    return session;
  }

  // ── SessionOwner ─────────────────────────────────────────────────────────────────────────────────────────────────

  onFull(session: Http2Session, waiting: readonly Http2Stream[], nowMs: number): void {
    if (session.allowed <= 0) {
      // Others would be no better, and none of them has an end.
      for (const stream of waiting) stream.failed(Failures.STREAM_REFUSED, nowMs);
      session.retire();
      return;
    }
    for (const stream of waiting) {
      if (stream.user === null) continue;
      this.#place(stream, session.client, true, false, nowMs);
      if (stream.ready) stream.user.onUpstreamReady(stream, nowMs);
    }
  }

  onIdle(session: Http2Session): void {
    this.#idle++;
    this.#ctx.counters[WorkerCounter.UPSTREAM_IDLE]++;
    if (this.#counts.retired || this.#idle > this.#ctx.settings.upstreamMaxIdle) session.retire();
  }

  onRetired(session: Http2Session): void {
    const at = this.#sessions.indexOf(session);
    if (at < 0) return;
    this.#sessions.splice(at, 1);
    if (session.isIdle) this.#noLongerIdle();
  }

  #noLongerIdle(): void {
    this.#idle--;
    this.#ctx.counters[WorkerCounter.UPSTREAM_IDLE]--;
  }

  retire(): void {
    this.#counts.retired = true;
    for (const session of [...this.#sessions]) session.retire();
  }
}
