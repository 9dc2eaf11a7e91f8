/** One worker's proxy: listeners, pools and connections, and what changes in them while it runs. */
import { Standstills } from "../balancing/standstills.ts";
import type { PendingChallenge } from "../protocol/acme.ts";
import type { Endpoint } from "../protocol/endpoint.ts";
import type { ListenerSpec, ProxySettings } from "../protocol/worker.ts";
import { ExemplarWriter } from "../shared/memory/exemplars.ts";
import { GrpcCounts } from "../shared/memory/grpc-table.ts";
import type { HistoryRings } from "../shared/memory/layout/history.ts";
import type { WorkerRings } from "../shared/memory/layout/learning.ts";
import { Header, MAX_SERVERS, type SharedMemory, type WorkerBlock } from "../shared/memory/layout/shared-memory.ts";
import type { TraceRings } from "../shared/memory/layout/tracing.ts";
import { WorkerCounter } from "../shared/memory/layout/worker-counters.ts";
import { forgetStalePeers } from "../shared/memory/peers.ts";
import type { Logger } from "../telemetry/log/logger.ts";
import { TemplateWriter } from "./classes/template-writer.ts";
import { AdminRelay, type AskAdmin } from "./downstream/admin-relay.ts";
import type { ClientConnection } from "./downstream/client-connection.ts";
import type { DownstreamContext } from "./downstream/context.ts";
import { HeadMemory } from "./downstream/http2/head-coding.ts";
import { PeerCache } from "./downstream/peer-cache.ts";
import { HedgeTimers } from "./exchange/attempts/hedge-timers.ts";
import type { ExchangeContext } from "./exchange/context.ts";
import { IdleExchanges } from "./exchange/idle-exchanges.ts";
import { COALESCE_BYTES } from "./http1/copy.ts";
import { RequestHead, ResponseHead } from "./http1/head.ts";
import { SecretNames } from "./http2/hpack/secret-names.ts";
import { internalError } from "./internal-error.ts";
import { Clients } from "./listen/clients.ts";
import type { Accept } from "./listen/listener.ts";
import { Listeners } from "./listen/listeners.ts";
import { PendingResponses } from "./local/challenges.ts";
import { ChoiceRecord } from "./pick/choice-record.ts";
import type { ChoiceNotebook } from "./pick/choice-writer.ts";
import { Neighbours, type Wakes } from "./pool/queue/neighbours.ts";
import { NO_WAKES } from "./pool/queue/wake-sockets.ts";
import { ServerPools } from "./pool/server-pools.ts";
import { type OpenLimit, RateLimits } from "./rate-limits/rate-limits.ts";
import { AccessLog } from "./record/access-log/access-log.ts";
import { ExplainWriter } from "./record/explain/explain-writer.ts";
import { HistoryWriter } from "./record/history-writer.ts";
import { SeriesKeeper } from "./record/series-keeper.ts";
import { Sampler } from "./record/trace/sampler.ts";
import { TraceWriter } from "./record/trace/trace-writer.ts";
import { MAX_EDIT_BYTES } from "./rewrite/edits.ts";
import { IdSource } from "./rewrite/request-ids.ts";
import { longestRewrite } from "./rewrite/target.ts";
import { TrustedProxies } from "./rewrite/trusted-proxies.ts";
import { RouteTable } from "./route/route-table.ts";
import { DurationPlaces } from "./routing/duration-places.ts";
import { MirrorRows } from "./routing/mirror-target.ts";
import { Routes } from "./routing/routes.ts";
import { MAX_CERTIFICATE_LINE_BYTES } from "./sockets/client-certificate.ts";
import { EndOfTurn } from "./sockets/end-of-turn.ts";
import type { HandedSocket } from "./sockets/hand-over.ts";
import { Network } from "./sockets/network.ts";
import { SocketKernel } from "./sockets/socket-kernel.ts";
import type { Tcp } from "./sockets/tcp.ts";
import { TimerWheel } from "./sockets/timer-wheel.ts";
import { createDial } from "./upstream/dial.ts";
import { Http1Upstream } from "./upstream/http1/upstream.ts";
import { Http2Coding } from "./upstream/http2/coding.ts";
import { Http2Upstream } from "./upstream/http2/upstream.ts";
import type { WorkerContext } from "./worker-context.ts";

/** What a worker's proxy is made from. */
export interface ProxyServerOptions {
  readonly memory: SharedMemory;
  readonly block: WorkerBlock;
  readonly rings: WorkerRings;
  readonly history: HistoryRings;
  readonly traces: TraceRings;
  /** Which worker it is. */
  readonly index: number;
  readonly settings: ProxySettings;
  readonly endpoints: readonly Endpoint[];
  readonly log: Logger;
  /** Monotonic clock, milliseconds. */
  readonly now: () => number;
  /** What, added to the monotonic clock, gives milliseconds since the epoch at present (wall-clock.ts). */
  readonly epochOffsetMs: () => number;
  /** What, added to the monotonic clock, gives the boot clock (boot-clock.ts). Only asked for where it is needed. */
  readonly bootOffsetMs: () => number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Four random words for request ids. */
  readonly seed: Uint32Array;
  /** Asks the control process. */
  readonly admin: AskAdmin;
  /** Where access lines go. */
  readonly accessLogFd: number;
  /** Our own sockets; null = the runtime's. */
  readonly tcp: Tcp | null;
  /** How workers tell each other of places. Default: there are no others. */
  readonly wakes?: Wakes;
  /** How long a place is kept for a worker that was told of it, milliseconds. Default: a moment (neighbours.ts). */
  readonly graceMs?: number;
  /** Maps what a rate limit has counted. */
  readonly openLimit: OpenLimit;
  /** Sockets of the instance whose place this one takes. Default: it takes nobody's. */
  readonly handed?: readonly HandedSocket[];
}

const LOG_FLUSH_MS = 200;
const TICK_MS = 50;
/** A tick this long after the one before is late: more than timers may be. */
const LATE_MS = 80;
/** So long at most deadlines wait behind a time without a turn. */
const MOST_WAIT_MS = 1000;

/** The request path of one worker. */
export class ProxyServer {
  readonly log: Logger;
  readonly #ctx: ExchangeContext & DownstreamContext;
  readonly #clients: Clients;
  readonly #listeners: Listeners;
  readonly #accessLogFd: number;
  #accessLog: AccessLog | null = null;
  #history: HistoryWriter | null = null;
  readonly #newHistory: () => HistoryWriter;
  #explain: ExplainWriter | null = null;
  readonly #newExplain: () => ExplainWriter;
  readonly #choices: ChoiceNotebook = { record: null };
  readonly #newChoices: () => ChoiceRecord;
  #traces: TraceWriter | null = null;
  readonly #newTraces: () => TraceWriter;
  readonly #epochOffsetMs: () => number;
  readonly #seriesKeeper: SeriesKeeper;
  readonly #pools: ServerPools;
  readonly #rateLimits: RateLimits;
  readonly #forgetStalePeers: () => void;
  #onDrained: (() => void) | null = null;
  #second = 0;
  /** The loop does not tell when it stood still: what can be known of it is that ticks are late. */
  readonly #ticksTell: boolean;
  #tickedMs: number;
  /** Deadlines wait until then; and they have had their turn since the last time that they had to wait. */
  #deadlinesFromMs = 0;
  #mayWait = true;
  #drainDeadlineMs = Number.POSITIVE_INFINITY;

  /** Listens at once. Throws an `Error` for the operator when a port cannot be had. */
  constructor(options: ProxyServerOptions) {
    const { memory, block, settings, log, now } = options;
    this.log = log;
    this.#tickedMs = now();
    this.#accessLogFd = options.accessLogFd;
    if (options.tcp) {
      options.tcp.loop.isUrgent = () => this.#isUrgent();
      options.tcp.loop.onStandstill = (fromMs, untilMs) => this.#onStandstill(fromMs, untilMs);
    }
    this.#ticksTell = options.tcp === null;
    const onInternalError = (error: unknown): void => internalError(this.#ctx, error);
    const network = new Network(options.tcp, { now, onInternalError });
    const trustedProxies = new TrustedProxies(settings.trustedProxies);
    this.#epochOffsetMs = options.epochOffsetMs;
    this.#seriesKeeper = new SeriesKeeper(block, memory.servers.id);
    this.#seriesKeeper.setRoutes(settings.routes);
    this.#newHistory = () =>
      new HistoryWriter(options.history, memory.recorder.wishes, options.bootOffsetMs(), options.random);
    this.#newExplain = () =>
      new ExplainWriter(memory.explain, options.index, memory.recorder.wishes, options.bootOffsetMs(), options.random);
    this.#newChoices = () => new ChoiceRecord(memory.servers);
    this.#newTraces = () => new TraceWriter(options.traces, options.bootOffsetMs());
    const epochOffsetMs = this.#epochOffsetMs();
    const worker: WorkerContext = {
      settings,
      limits: { maxHeadBytes: settings.maxHeaderBytes, maxFields: settings.maxHeaderCount },
      trustedProxies,
      memory,
      block,
      counters: block.counters,
      grpcCounts: new GrpcCounts(block),
      wheel: new TimerWheel(now(), TICK_MS),
      endOfTurn: new EndOfTurn(now, onInternalError),
      ids: new IdSource(options.seed),
      log,
      accessLog: null,
      history: null,
      explain: null,
      tracing: null,
      exemplars: null,
      now,
      epochOffsetMs,
      random: options.random,
      scratch: createScratch(settings),
      requestHead: new RequestHead(settings.maxHeaderCount + OWN_FIELDS),
      responseHead: new ResponseHead(settings.maxHeaderCount),
      leaving: false,
      draining: false,
      challenges: null,
      dateLine: dateLine(now() + epochOffsetMs),
      kernel: SocketKernel.of(options.tcp),
    };
    const identityHash = new Uint32Array(MAX_SERVERS);
    const dial = createDial(network);
    const secrets = [new SecretNames(), new SecretNames()] as const;
    const coding = new Http2Coding(...secrets);
    const { wakes = NO_WAKES, index, bootOffsetMs } = options;
    this.#forgetStalePeers = () => forgetStalePeers(memory, () => now() + bootOffsetMs());
    const neighbours = new Neighbours(memory, index, wakes, bootOffsetMs, options.graceMs);
    const templates = new TemplateWriter(memory.classes.templates[index], memory.header[Header.TEMPLATE_SECRET]);
    this.#pools = new ServerPools(
      {
        ...options,
        identityHash,
        neighbours,
        templates,
        standstills: new Standstills(),
        choices: this.#choices,
        onInternalError,
      },
      worker,
      (endpoint, connections) =>
        endpoint.http2
          ? new Http2Upstream(endpoint, connections, dial, coding)
          : new Http1Upstream(endpoint, connections, dial),
    );
    this.#pools.configure(settings.pools, trustedProxies);
    wakes.onWake = () => this.#pools.onWake(now());
    this.#rateLimits = new RateLimits(options.openLimit, options.index, options.bootOffsetMs);
    this.#rateLimits.configure(settings.rateLimits);
    const ctx: ExchangeContext = Object.assign(worker, {
      routes: this.#routes(worker),
      hedgeTimers: new HedgeTimers(now, onInternalError),
      upstreams: this.#pools.upstreams,
    });
    // One object for both sides: what changes in it changes for all.
    this.#ctx = Object.assign(ctx, {
      peers: new PeerCache(trustedProxies),
      admin: new AdminRelay(options.admin),
      exchanges: new IdleExchanges(ctx, onInternalError),
      http2: new HeadMemory(ctx.ids, ...secrets),
      speakHttp2: (...known: Parameters<DownstreamContext["speakHttp2"]>) => this.#clients.speakHttp2(...known),
      onClientGone: (client: ClientConnection) => this.#onClientGone(client),
    });
    this.#setAccessLog(settings);
    this.#setHistory(settings);
    this.#setExplain(settings);
    this.#setTracing(settings);
    this.setEndpoints(options.endpoints);
    this.#clients = new Clients(this.#ctx, memory, block);
    const accept: Accept = (socket, entrance, nowMs) => this.#clients.accept(socket, entrance, nowMs);
    this.#listeners = new Listeners(this.#ctx, network, accept, options.handed);
    this.#ctx.settings = { ...settings, listeners: this.listeners };
    setInterval(() => this.#tick(), TICK_MS);
    setInterval(() => this.#accessLog?.tick(), LOG_FLUSH_MS);
  }

  /** Where is listened, with the ports that were found where the settings say 0: later settings name those. */
  get listeners(): readonly ListenerSpec[] {
    return this.#listeners.specs;
  }

  /** For a worker that takes the place of this one. */
  get handedOver(): readonly HandedSocket[] {
    return this.#listeners.handedOver;
  }

  // ── what changes while it runs ───────────────────────────────────────────────────────────────────────────────────

  /** The fleets changed. Servers that stay keep their connections. */
  setEndpoints(endpoints: readonly Endpoint[]): void {
    this.#pools.setEndpoints(endpoints);
  }

  /**
   * New settings for what comes, routes and pools in one step; connections and what was learned live on, and requests under
   * way go on where they were sent.
   */
  setSettings(settings: ProxySettings): void {
    const ctx = this.#ctx;
    ctx.settings = settings;
    ctx.limits = { maxHeadBytes: settings.maxHeaderBytes, maxFields: settings.maxHeaderCount };
    // They never shrink: requests that were accepted under the old limits may still be waiting.
    const scratch = createScratch(settings);
    if (scratch.length > ctx.scratch.length) ctx.scratch = scratch;
    if (settings.maxHeaderCount > ctx.responseHead.ids.length) {
      ctx.requestHead = new RequestHead(settings.maxHeaderCount + OWN_FIELDS);
      ctx.responseHead = new ResponseHead(settings.maxHeaderCount);
    }
    ctx.trustedProxies = new TrustedProxies(settings.trustedProxies);
    ctx.peers = new PeerCache(ctx.trustedProxies);
    this.#pools.configure(settings.pools, ctx.trustedProxies);
    this.#rateLimits.configure(settings.rateLimits);
    ctx.routes = this.#routes(ctx);
    this.#seriesKeeper.setRoutes(settings.routes);
    this.#setAccessLog(settings);
    this.#setHistory(settings);
    this.#setExplain(settings);
    this.#setTracing(settings);
    this.#listeners.change(settings);
  }

  /** What CAs are answered from now on, all of it. */
  setChallenges(challenges: readonly PendingChallenge[]): void {
    const ctx = this.#ctx;
    ctx.challenges = challenges.length === 0 ? null : new PendingResponses(challenges);
    this.#listeners.change(ctx.settings);
  }

  /** Stops accepting, lets requests finish and closes what is idle; then calls `onDrained`, at the latest in time. */
  drain(onDrained: () => void): void {
    if (this.#onDrained !== null) return;
    const ctx = this.#ctx;
    this.#onDrained = onDrained;
    this.#drainDeadlineMs = ctx.now() + ctx.settings.shutdownTimeoutMs;
    ctx.leaving = true;
    ctx.draining = true;
    this.#listeners.stop();
    const nowMs = ctx.now();
    this.#clients.drain(nowMs);
    this.#checkDrained(nowMs);
  }

  /** The file of the access log was moved, or will be. */
  reopenLogs(): void {
    this.#accessLog?.reopen();
  }

  async closeLogs(timeoutMs: number): Promise<void> {
    this.#traces?.close(this.#ctx.now());
    await this.#accessLog?.close(timeoutMs);
  }

  // ── inside ───────────────────────────────────────────────────────────────────────────────────────────────────────

  #onClientGone(client: ClientConnection): void {
    this.#clients.leave(client);
    if (this.#onDrained !== null) this.#checkDrained(this.#ctx.now());
  }

  #tick(): void {
    const ctx = this.#ctx;
    const nowMs = ctx.now();
    ctx.epochOffsetMs = this.#epochOffsetMs();
    const second = Math.floor((nowMs + ctx.epochOffsetMs) / 1000);
    const newSecond = second !== this.#second;
    if (newSecond) {
      this.#second = second;
      ctx.dateLine = dateLine(second * 1000);
    }
    this.#forgetStalePeers();
    if (!ctx.leaving && Atomics.load(ctx.memory.header, Header.DRAINING) === 1) {
      ctx.leaving = true;
      this.#clients.askToLeave(nowMs);
    }
    this.#pools.tick(nowMs);
    this.#seriesKeeper.tick(nowMs);
    try {
      if (this.#isInTime(nowMs)) ctx.wheel.advance(nowMs);
      if (newSecond) this.#clients.lookForEnds(nowMs);
    } catch (error) {
      // The deadline that threw is lost with its connection; those behind it are still in the wheel.
      internalError(ctx, error);
    }
    if (this.#onDrained !== null) this.#checkDrained(nowMs);
  }

  /**
   * After a while without a turn, sockets come before deadlines: what came meanwhile was in time, and is still to be read. And
   * servers on the same machine may have stood still as long, so deadlines wait for so long, and for the next tick at least. With a
   * load that makes all ticks late, they have their turn after each such wait.
   */
  #isInTime(nowMs: number): boolean {
    const sinceMs = nowMs - this.#tickedMs;
    const stood = sinceMs > LATE_MS;
    if (stood && this.#ticksTell) this.#onStandstill(this.#tickedMs, nowMs);
    this.#tickedMs = nowMs;
    if (stood && this.#mayWait) {
      this.#mayWait = false;
      this.#deadlinesFromMs = nowMs + Math.min(sinceMs - TICK_MS, MOST_WAIT_MS);
    }
    if (nowMs < this.#deadlinesFromMs) return false;
    this.#mayWait = true;
    return true;
  }

  /** This worker stood still: time of its own, which is counted and no server's. */
  #onStandstill(fromMs: number, untilMs: number): void {
    const { counters } = this.#ctx;
    counters[WorkerCounter.STANDSTILLS]++;
    counters[WorkerCounter.STANDSTILL_MS] += untilMs - fromMs;
    this.#pools.onStandstill(fromMs, untilMs);
  }

  #checkDrained(nowMs: number): void {
    if (this.#clients.count > 0 && nowMs < this.#drainDeadlineMs) return;
    const done = this.#onDrained;
    // Said once: whoever is still connected then has had its time.
    this.#onDrained = () => {};
    this.#drainDeadlineMs = Number.POSITIVE_INFINITY;
    done?.();
  }

  /** Timers are not to be late: somebody waits for one. */
  #isUrgent(): boolean {
    const { counters, hedgeTimers } = this.#ctx;
    return counters[WorkerCounter.QUEUE_LENGTH] > 0 || hedgeTimers.pending;
  }

  #routes({ settings, trustedProxies, random, block }: WorkerContext): Routes {
    const { routes, request, hstsMs, tracing } = settings;
    const mirrorRows = new MirrorRows(block, routes);
    const tlsPort = (): number | null => usualTlsPort(this.#ctx.settings.listeners);
    return new Routes(routes, new RouteTable(routes), {
      pools: this.#pools,
      settings: request,
      trustedProxies,
      random,
      rateLimits: this.#rateLimits,
      mirrorRows,
      durationPlaces: new DurationPlaces(block, routes, tracing !== null),
      hstsMs,
      tlsPort,
    });
  }

  #setAccessLog(settings: ProxySettings): void {
    // Switched off, it stays: lines that it was given before are still written.
    if (settings.accessLog) {
      const options = {
        format: settings.accessLogFormat ?? settings.logFormat,
        fields: settings.accessLogFields,
        file: settings.accessLogFile,
      };
      if (this.#accessLog === null) this.#accessLog = new AccessLog(this.#accessLogFd, this.#ctx.block, options);
      else this.#accessLog.configure(options);
    }
    this.#ctx.accessLog = settings.accessLog ? this.#accessLog : null;
  }

  #setHistory({ history }: ProxySettings): void {
    if (history) this.#history ??= this.#newHistory();
    this.#ctx.history = history ? this.#history : null;
  }

  /** Choices are taken down for explanations, and for spans. */
  #setExplain({ explain, tracing }: ProxySettings): void {
    if (explain) this.#explain ??= this.#newExplain();
    this.#ctx.explain = explain ? this.#explain : null;
    this.#choices.record = explain || tracing !== null ? (this.#choices.record ?? this.#newChoices()) : null;
  }

  #setTracing({ tracing }: ProxySettings): void {
    const ctx = this.#ctx;
    if (tracing === null) {
      ctx.tracing = null;
      ctx.exemplars = null;
      return;
    }
    this.#traces ??= this.#newTraces();
    ctx.tracing = { sampler: new Sampler(tracing), writer: this.#traces, propagates: tracing.propagates };
    // What another run of tracing has left may be of other routes by now.
    ctx.exemplars ??= ExemplarWriter.cleared(ctx.block);
  }
}

/** Where clients that spoke plain HTTP are sent to: the port that needs no mention, else the first; null = nowhere here. */
function usualTlsPort(listeners: readonly ListenerSpec[]): number | null {
  const ports = listeners.filter(({ tls }) => tls).map(({ port }) => port);
  return ports.includes(443) ? 443 : (ports[0] ?? null);
}

/** Fields that a question to an auth server may have beyond those of its request: `Host`, where that is in the target. */
const OWN_FIELDS = 1;
/** What we add to a head at most, beside what repeats parts of it: our forwarding fields, ids and `Via`. */
const ADDED_HEAD_BYTES = 4096;

/**
 * Room for a head with its host and its forwarding fields repeated, or with a path that is rewritten in normal form (three times
 * as long at most), what we and its route add, and a coalesced body.
 */
function createScratch(settings: ProxySettings): Buffer {
  const added = ADDED_HEAD_BYTES + MAX_CERTIFICATE_LINE_BYTES + MAX_EDIT_BYTES + longestRewrite(settings.routes);
  return Buffer.allocUnsafeSlow(4 * settings.maxHeaderBytes + added + COALESCE_BYTES);
}

function dateLine(wallMs: number): Buffer {
  return Buffer.from(`Date: ${new Date(wallMs).toUTCString()}\r\n`);
}
