/** One worker's proxy: listeners, pools and connections, and what changes in them while it runs. */
import { type FailingOptions, FailingServers } from "../balancing/failing-servers.ts";
import { serverIdentityHash } from "../balancing/hash.ts";
import { createStrategy, isSameStrategy, LEARNED_STRATEGY } from "../balancing/registry.ts";
import type { Strategy } from "../balancing/strategy.ts";
import type { Endpoint } from "../protocol/endpoint.ts";
import type { ListenerSpec, ProxySettings } from "../protocol/worker.ts";
import { MAX_SERVERS, type SharedMemory, type WorkerBlock } from "../shared/memory/layout.ts";
import type { WorkerRings } from "../shared/memory/layout-learning.ts";
import type { Logger } from "../telemetry/log/logger.ts";
import { AdminRelay, type AskAdmin } from "./downstream/admin-relay.ts";
import type { ClientConnection } from "./downstream/client-connection.ts";
import type { DownstreamContext } from "./downstream/context.ts";
import { PeerCache } from "./downstream/peer-cache.ts";
import { HedgeTimer } from "./exchange/attempts/hedge-timer.ts";
import { RetryBudget } from "./exchange/attempts/retry-budget.ts";
import type { ExchangeContext } from "./exchange/context.ts";
import { ExchangePool } from "./exchange/exchange-pool.ts";
import { COALESCE_BYTES } from "./http1/copy.ts";
import { RequestHead, ResponseHead } from "./http1/head.ts";
import { internalError } from "./internal-error.ts";
import { Clients } from "./listen/clients.ts";
import { Listeners } from "./listen/listeners.ts";
import { type OutcomeConsumer, OutcomeConsumers } from "./outcome.ts";
import { DecisionWriter } from "./pick/decision-log.ts";
import { FailureStreaks } from "./pick/failure-streaks.ts";
import { Picker } from "./pick/picker.ts";
import { createStickyKey } from "./pick/sticky-key.ts";
import { learns, StrategyFeed } from "./pick/strategy-feed.ts";
import { WaitQueue } from "./pick/wait-queue.ts";
import { AccessLog } from "./record/access-log.ts";
import { ServerCounts } from "./record/server-counts.ts";
import { IdSource } from "./rewrite/request-ids.ts";
import { TrustedProxies } from "./rewrite/trusted-proxies.ts";
import { Network } from "./sockets/network.ts";
import { SocketKernel } from "./sockets/socket-kernel.ts";
import type { Tcp } from "./sockets/tcp.ts";
import { TimerWheel } from "./sockets/timer-wheel.ts";
import type { UpstreamContext } from "./upstream/context.ts";
import { createDial, type Dial } from "./upstream/dial.ts";
import { Http1Upstream } from "./upstream/http1/upstream.ts";

/** What a worker's proxy is made from. */
export interface ProxyServerOptions {
  readonly memory: SharedMemory;
  readonly block: WorkerBlock;
  readonly rings: WorkerRings;
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
}

/** Retries per second that the budget always allows. */
const RETRY_FLOOR_PER_SECOND = 3;
const LOG_FLUSH_MS = 200;
const TICK_MS = 50;

/** The request path of one worker. */
export class ProxyServer {
  readonly log: Logger;
  readonly #ctx: ExchangeContext & DownstreamContext;
  readonly #clients: Clients;
  readonly #listeners: Listeners;
  readonly #accessLogFd: number;
  #accessLog: AccessLog | null = null;
  readonly #memory: SharedMemory;
  readonly #random: () => number;
  readonly #bootOffsetMs: () => number;
  readonly #epochOffsetMs: () => number;
  readonly #createDecisionWriter: () => DecisionWriter;
  readonly #failing: FailingServers;
  readonly #identityHash = new Uint32Array(MAX_SERVERS);
  readonly #dial: Dial;
  #onDrained: (() => void) | null = null;
  #second = 0;
  #drainDeadlineMs = Number.POSITIVE_INFINITY;

  /** Listens at once. Throws an `Error` for the operator when a port cannot be had. */
  constructor(options: ProxyServerOptions) {
    const { memory, block, settings, log, now } = options;
    this.log = log;
    this.#memory = memory;
    this.#random = options.random;
    this.#bootOffsetMs = options.bootOffsetMs;
    this.#createDecisionWriter = () =>
      new DecisionWriter(options.rings, memory.servers, block.counters, options.bootOffsetMs());
    this.#accessLogFd = options.accessLogFd;
    if (options.tcp) options.tcp.loop.isUrgent = () => this.#ctx.queue.length > 0 || this.#ctx.hedgeTimer.pending;
    const onInternalError = (error: unknown): void => internalError(this.#ctx, error);
    const network = new Network(options.tcp, { now, onInternalError });
    this.#dial = createDial(network);
    const trustedProxies = new TrustedProxies(settings.trustedProxies);
    this.#failing = new FailingServers(memory.servers, failingOptions(settings));
    const { strategy, decisions } = this.#createStrategy(settings);
    this.#epochOffsetMs = options.epochOffsetMs;
    const epochOffsetMs = this.#epochOffsetMs();
    const ctx: ExchangeContext = {
      settings,
      limits: { maxHeadBytes: settings.maxHeaderBytes, maxFields: settings.maxHeaderCount },
      trustedProxies,
      stickyKey: createStickyKey(settings.hashOn, trustedProxies),
      retryBudget: new RetryBudget(settings.retryBudgetPercent / 100, RETRY_FLOOR_PER_SECOND, now()),
      hedgeBudget: new RetryBudget(settings.hedgeBudgetPercent / 100, 0, now()),
      hedgeTimer: new HedgeTimer(now, onInternalError),
      memory,
      block,
      counters: block.counters,
      picker: new Picker(memory, block, this.#failing, strategy, decisions),
      outcomes: this.#outcomeConsumers(block, strategy, decisions),
      upstreams: new Array(MAX_SERVERS).fill(undefined),
      queue: new WaitQueue(block, now, onInternalError),
      wheel: new TimerWheel(now(), TICK_MS),
      ids: new IdSource(options.seed),
      log,
      accessLog: null,
      now,
      epochOffsetMs,
      random: options.random,
      scratch: createScratch(settings),
      requestHead: new RequestHead(settings.maxHeaderCount),
      responseHead: new ResponseHead(settings.maxHeaderCount),
      draining: false,
      dateLine: dateLine(now() + epochOffsetMs),
      kernel: SocketKernel.of(options.tcp),
    };
    // One object for both sides: what changes in it changes for all.
    this.#ctx = Object.assign(ctx, {
      peers: new PeerCache(trustedProxies, !settings.withoutVia),
      admin: new AdminRelay(options.admin),
      exchanges: new ExchangePool(ctx),
      onClientGone: (client: ClientConnection) => this.#onClientGone(client),
    });
    this.#setAccessLog(settings);
    this.setEndpoints(options.endpoints);
    this.#clients = new Clients(this.#ctx, memory, block);
    this.#listeners = new Listeners(this.#ctx, network, (socket, secure, nowMs) =>
      this.#clients.accept(socket, secure, nowMs),
    );
    this.#ctx.settings = { ...settings, listeners: this.listeners };
    setInterval(() => this.#tick(), TICK_MS);
    setInterval(() => this.#accessLog?.flush(), LOG_FLUSH_MS);
  }

  /** Where is listened, with the ports that were found where the settings say 0: later settings name those. */
  get listeners(): readonly ListenerSpec[] {
    return this.#listeners.specs;
  }

  // ── what changes while it runs ───────────────────────────────────────────────────────────────────────────────────

  /** The fleet changed. Servers that stay keep their connections. */
  setEndpoints(endpoints: readonly Endpoint[]): void {
    const { upstreams, picker } = this.#ctx;
    const bySlot = new Map(endpoints.map((endpoint) => [endpoint.slot, endpoint]));
    for (let slot = 0; slot < MAX_SERVERS; slot++) {
      const endpoint = bySlot.get(slot);
      const old = upstreams[slot];
      // A server keeps its id when it listens on this machine's other loopback address.
      if (old !== undefined && old.endpoint.id === endpoint?.id && old.endpoint.address === endpoint?.address) continue;
      old?.retire();
      upstreams[slot] = endpoint && new Http1Upstream(endpoint, ofPool(this.#ctx), this.#dial);
      this.#identityHash[slot] = endpoint ? serverIdentityHash(endpoint.url, endpoint.address) : 0;
    }
    picker.setKnownIds(endpoints.map(({ slot, id }) => [slot, id] as const));
  }

  /** New settings for what comes; connections and what was learned live on. */
  setSettings(settings: ProxySettings): void {
    const ctx = this.#ctx;
    const old = ctx.settings;
    ctx.settings = settings;
    ctx.limits = { maxHeadBytes: settings.maxHeaderBytes, maxFields: settings.maxHeaderCount };
    // They never shrink: requests that were accepted under the old limits may still be waiting.
    const scratch = createScratch(settings);
    if (scratch.length > ctx.scratch.length) ctx.scratch = scratch;
    if (settings.maxHeaderCount > ctx.requestHead.ids.length) {
      ctx.requestHead = new RequestHead(settings.maxHeaderCount);
      ctx.responseHead = new ResponseHead(settings.maxHeaderCount);
    }
    ctx.trustedProxies = new TrustedProxies(settings.trustedProxies);
    ctx.peers = new PeerCache(ctx.trustedProxies, !settings.withoutVia);
    ctx.stickyKey = createStickyKey(settings.hashOn, ctx.trustedProxies);
    if (settings.retryBudgetPercent !== old.retryBudgetPercent) {
      ctx.retryBudget = new RetryBudget(settings.retryBudgetPercent / 100, RETRY_FLOOR_PER_SECOND, ctx.now());
    }
    if (settings.hedgeBudgetPercent !== old.hedgeBudgetPercent) {
      ctx.hedgeBudget = new RetryBudget(settings.hedgeBudgetPercent / 100, 0, ctx.now());
    }
    if (!isSameStrategy(old, settings)) {
      const { strategy, decisions } = this.#createStrategy(settings);
      ctx.picker.setStrategy(strategy, decisions);
      ctx.outcomes = this.#outcomeConsumers(ctx.block, strategy, decisions);
    }
    this.#failing.configure(failingOptions(settings));
    this.#setAccessLog(settings);
    this.#listeners.change(settings);
  }

  /** Stops accepting, lets requests finish and closes what is idle; then calls `onDrained`, at the latest in time. */
  drain(onDrained: () => void): void {
    if (this.#onDrained !== null) return;
    const ctx = this.#ctx;
    this.#onDrained = onDrained;
    this.#drainDeadlineMs = ctx.now() + ctx.settings.shutdownTimeoutMs;
    ctx.draining = true;
    this.#listeners.stop();
    const nowMs = ctx.now();
    this.#clients.drain(nowMs);
    this.#checkDrained(nowMs);
  }

  async closeLogs(timeoutMs: number): Promise<void> {
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
    ctx.picker.noticeFailing();
    try {
      ctx.wheel.advance(nowMs);
      if (newSecond) this.#clients.lookForEnds(nowMs);
    } catch (error) {
      // The deadline that threw is lost with its connection; those behind it are still in the wheel.
      internalError(ctx, error);
    }
    if (this.#onDrained !== null) this.#checkDrained(nowMs);
  }

  #checkDrained(nowMs: number): void {
    if (this.#clients.count > 0 && nowMs < this.#drainDeadlineMs) return;
    const done = this.#onDrained;
    // Said once: whoever is still connected then has had its time.
    this.#onDrained = () => {};
    this.#drainDeadlineMs = Number.POSITIVE_INFINITY;
    done?.();
  }

  #createStrategy(settings: ProxySettings): { strategy: Strategy; decisions: DecisionWriter | null } {
    const { servers } = this.#memory;
    const learned = this.#memory.learned[0];
    const bootOffsetMs = this.#bootOffsetMs;
    const fleet = {
      ...servers,
      identityHash: this.#identityHash,
      // Asked by the strategies that watch for stalls: finding the offset takes some milliseconds.
      get together() {
        return { sinceMs: servers.silentSinceMs, clockOffsetMs: bootOffsetMs() };
      },
    };
    // The pages of tables and rings are only real while the strategy is the one that uses them.
    const decisions = settings.strategy === LEARNED_STRATEGY ? this.#createDecisionWriter() : null;
    const learning = decisions === null ? {} : { learned, decisions };
    const dependencies = { fleet, random: this.#random, ...learning };
    const strategy = createStrategy(settings.strategy, dependencies, settings);
    return { strategy, decisions };
  }

  /** Everybody who is told how attempts go: who wants to hear of them, too, is added here. */
  #outcomeConsumers(block: WorkerBlock, strategy: Strategy, decisions: DecisionWriter | null): OutcomeConsumers {
    const consumers: OutcomeConsumer[] = [new FailureStreaks(this.#failing), new ServerCounts(block)];
    if (learns(strategy)) consumers.push(new StrategyFeed(strategy));
    if (decisions !== null) consumers.push(decisions);
    return new OutcomeConsumers(consumers);
  }

  #setAccessLog(settings: ProxySettings): void {
    // Switched off, it stays: lines that it was given before are still written.
    if (settings.accessLog) {
      this.#accessLog ??= new AccessLog(this.#accessLogFd, this.#ctx.block, settings.logFormat);
      this.#accessLog.format = settings.logFormat;
    }
    this.#ctx.accessLog = settings.accessLog ? this.#accessLog : null;
  }
}

/** [0]: with what the pool has for its servers. */
function ofPool(ctx: ExchangeContext): UpstreamContext {
  const settings = () => {
    const { upstreamServerName, upstreamCertificate } = ctx.settings.pools[0];
    return { ...ctx.settings, upstreamServerName, upstreamCertificate };
  };
  return Object.create(ctx, { settings: { get: settings } });
}

function failingOptions(settings: ProxySettings): FailingOptions {
  return {
    consecutiveFailures: settings.outlierConsecutiveFailures,
    maxEjectedPercent: settings.outlierMaxEjectedPercent,
    baseEjectionMs: settings.outlierBaseEjectionMs,
  };
}

/** What we add to a head at most, beside what repeats parts of it: our forwarding fields, ids and `Via`. */
const ADDED_HEAD_BYTES = 4096;

/** Room for a head with its host and its forwarding fields repeated, what we add, and a coalesced body. */
function createScratch(settings: ProxySettings): Buffer {
  return Buffer.allocUnsafeSlow(4 * settings.maxHeaderBytes + ADDED_HEAD_BYTES + COALESCE_BYTES);
}

function dateLine(wallMs: number): Buffer {
  return Buffer.from(`Date: ${new Date(wallMs).toUTCString()}\r\n`);
}
