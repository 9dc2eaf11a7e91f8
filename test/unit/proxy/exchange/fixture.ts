/** One exchange between a scripted client and scripted servers, without sockets and with a clock of its own. */

import { seededRandom } from "../../../../src/balancing/random.ts";
import { routeToAll } from "../../../../src/config/routes/default-route.ts";
import type { Hedgeable } from "../../../../src/proxy/exchange/attempts/hedge-timer.ts";
import type { ExchangeContext } from "../../../../src/proxy/exchange/context.ts";
import type { Downstream } from "../../../../src/proxy/exchange/downstream.ts";
import { Exchange } from "../../../../src/proxy/exchange/exchange.ts";
import { Mirrors } from "../../../../src/proxy/exchange/side/mirrors.ts";
import { type Failure, Failures } from "../../../../src/proxy/failure.ts";
import { RequestHead, ResponseHead } from "../../../../src/proxy/http1/head.ts";
import { parseRequestHead } from "../../../../src/proxy/http1/request-parser.ts";
import { parseResponseHead } from "../../../../src/proxy/http1/response-parser.ts";
import type { LocalResponse } from "../../../../src/proxy/local/response.ts";
import { type AttemptOutcome, OutcomeConsumers } from "../../../../src/proxy/outcome.ts";
import { ALL_FULL } from "../../../../src/proxy/pick/picker.ts";
import { Neighbours } from "../../../../src/proxy/pool/queue/neighbours.ts";
import { WaitQueue } from "../../../../src/proxy/pool/queue/wait-queue.ts";
import { NO_WAKES } from "../../../../src/proxy/pool/queue/wake-sockets.ts";
import { RetryBudget } from "../../../../src/proxy/pool/retry-budget.ts";
import type { ServerPool } from "../../../../src/proxy/pool/server-pool.ts";
import type { TracedChoice } from "../../../../src/proxy/record/trace/trace-record.ts";
import { TraceWriter } from "../../../../src/proxy/record/trace/trace-writer.ts";
import { Peer } from "../../../../src/proxy/rewrite/request.ts";
import { IdSource } from "../../../../src/proxy/rewrite/request-ids.ts";
import { TrustedProxies } from "../../../../src/proxy/rewrite/trusted-proxies.ts";
import { compileAuth } from "../../../../src/proxy/routing/auth-target.ts";
import { RouteRules } from "../../../../src/proxy/routing/route-rules.ts";
import { Timed, TimerWheel } from "../../../../src/proxy/sockets/timer-wheel.ts";
import type { UpstreamLeg, UpstreamUser } from "../../../../src/proxy/upstream/leg.ts";
import { OTHER_ROW } from "../../../../src/shared/memory/duration-table.ts";
import { ServerState, SHARED_BYTES, viewSharedMemory } from "../../../../src/shared/memory/layout/shared-memory.ts";
import { MirrorWord } from "../../../../src/shared/memory/mirror-table.ts";
import { Method, Route } from "../../../../src/shared/memory/series-table.ts";
import { TraceReader } from "../../../support/trace-records.ts";

const LIMITS = { maxHeadBytes: 32_768, maxFields: 100 };
const SERVERS = 3;
/** How the picker says that it chose; typed, because it is cast to a whole picker below. */
const CHOICE: TracedChoice = {
  choices: SERVERS,
  score: 0.5,
  arm: -1,
  record: null,
  ejected: 0,
  stateOf: () => ServerState.UP,
};

const SETTINGS = {
  retryAttempts: 2,
  retryOnStatus: [503],
  retryOnGrpcStatus: [],
  perTryTimeoutMs: 0,
  hedgeAfterMs: 0,
  maxBodyBytes: 1000,
  queueSize: 1,
  queueTimeoutMs: 1000,
  requestBodyTimeoutMs: 2000,
  responseHeadTimeoutMs: 3000,
  responseBodyTimeoutMs: 4000,
  tunnelTimeoutMs: 5000,
};

const OFTEN = 1000;
/** Added to the rig's clock it gives that of the records. */
export const BOOT_OFFSET_MS = 1000;

const AUTH = { pool: "auth", path: "/auth", requestHeaders: [], responseHeaders: ["x-user"], timeoutMs: 2000 };

class Client extends Timed implements Downstream {
  readonly peer = new Peer("203.0.113.7", false, new TrustedProxies([]));
  readonly protocol = Buffer.from("HTTP/1.1");
  readonly tlsVersion = null;
  readonly port = 80;
  readonly takesChunks = true;
  queuedBytes = 0;
  /** False = it is gone: nothing can be sent any more. */
  takes = true;
  exchange: Exchange | undefined;
  /** How the exchange left it; "" = it has not. */
  left = "";
  pauseReading(): void {}
  resumeReading(): void {}
  interim = () => this.takes;
  respond = () => this.takes;
  sendAway = () => this.takes;
  endBody(): void {}
  endSending(): void {}
  unacknowledged = () => 0;
  respondLocal({ body }: LocalResponse): number {
    this.left = JSON.parse(body.toString()).error.code;
    return 10;
  }
  refuseRest(): void {}
  done(): void {
    if (this.left === "") this.left = "done";
  }
  cut(): void {
    this.left = "cut";
  }
  reset(): void {
    this.left = "reset";
  }
  startTunnel(): void {}
  override onDeadline(nowMs: number): void {
    this.exchange?.onClientDeadline(nowMs);
  }
}

/** A leg, and what its server does. */
export class Leg extends Timed implements UpstreamLeg {
  user: UpstreamUser | null;
  reusable = true;
  readonly mayHaveTrailers = false;
  readonly trailers = null;
  gone = false;
  queuedBytes = 0;
  readonly ready: boolean;
  readonly tlsMs = Number.NaN;
  readonly #rig: Rig;

  constructor(rig: Rig, user: UpstreamUser, ready: boolean) {
    super();
    this.#rig = rig;
    this.user = user;
    this.ready = ready;
  }

  sendRequest = () => (this.#rig.refusesSends ? Failures.CLOSED_BEFORE_RESPONSE : null);
  send = () => true;
  sendAway = () => true;
  endBody(): void {}
  endSending(): void {}
  pauseReading(): void {}
  resumeReading(): void {}
  unacknowledged = () => 0;
  release(): void {
    this.user = null;
  }
  reset(): void {
    this.user = null;
  }

  /** The connection was made. */
  connects(): void {
    this.user?.onUpstreamReady(this, this.#rig.nowMs);
  }

  /** The server answers with this, of which `rest` is what follows the head. */
  responds(head: string, rest = ""): void {
    const bytes = Buffer.from(`HTTP/1.1 ${head}\r\n\r\n${rest}`, "latin1");
    const end = parseResponseHead(bytes, 0, bytes.length, this.#rig.ctx.responseHead, LIMITS, Method.GET);
    if (end <= 0) throw new Error(`no head: ${head}`);
    this.user?.onUpstreamHead(this, bytes, bytes, end, this.#rig.nowMs);
  }

  sends(data: string): void {
    this.user?.onUpstreamData(this, Buffer.from(data, "latin1"), this.#rig.nowMs);
  }

  fails(failure: Failure, nothingSent = false): void {
    this.user?.onUpstreamFailed(this, failure, nothingSent, this.#rig.nowMs);
  }

  ends(broken: boolean): void {
    this.user?.onUpstreamEnd(this, broken, this.#rig.nowMs);
  }

  override onDeadline(nowMs: number): void {
    this.user?.onUpstreamDeadline(this, nowMs);
  }
}

/** Whom else a request is sent to: the same servers. */
export interface Sides {
  /** They are asked first whether it may pass. */
  readonly auth?: boolean;
  /** They get a copy of it. */
  readonly mirror?: boolean;
}

export class Rig {
  readonly ctx: ExchangeContext;
  readonly client = new Client();
  readonly idle: Exchange[] = [];
  readonly mirrors: Mirrors;
  /** By `MirrorWord`. */
  readonly mirrorFigures = new Float64Array(MirrorWord.LENGTH);
  readonly exchange: Exchange;
  /** Attempts that were begun, in order. */
  readonly legs: Leg[] = [];
  /** What was told of each attempt, by its number, in order: `head` and its latency, or the record at its end. */
  readonly told: { readonly what: "head" | "end"; readonly outcome: AttemptOutcome }[] = [];
  /** By slot. */
  readonly inFlight = new Int32Array(SERVERS);
  /** By slot: requests in transfer. */
  readonly transferring = new Int32Array(SERVERS);
  nowMs = 0;
  /** Requests are. */
  sampled = true;
  readonly traces: TraceReader;
  connecting = false;
  refusesSends = false;
  full = false;
  readonly queue: WaitQueue;
  #hedge: () => void = () => {};
  readonly #hedgeAfterMs: number;

  constructor(settings: Partial<typeof SETTINGS> = {}, sides: Sides = {}) {
    const memory = viewSharedMemory(new ArrayBuffer(SHARED_BYTES));
    const block = memory.workers[0];
    this.traces = new TraceReader(memory.traces[0]);
    const note = (what: "head" | "end") => (outcome: AttemptOutcome) =>
      void this.told.push({ what, outcome: { ...outcome } });
    const values = { ...SETTINGS, ...settings };
    this.queue = new WaitQueue({
      block,
      row: 0,
      pool: { hasRoom: () => !this.full, room: { holds: () => false, patienceMs: 0 } },
      neighbours: new Neighbours(memory, 0, NO_WAKES, () => 0),
      now: () => this.nowMs,
      onError: (error) => {
        throw error;
      },
    });
    this.queue.configure(values.queueSize, values.queueTimeoutMs);
    const pool = {
      settings: { ...values, request: values, upstreamHost: null },
      stickyCookie: null,
      classifier: null,
      retryBudget: new RetryBudget(1, OFTEN, 0),
      hedgeBudget: new RetryBudget(1, OFTEN, 0),
      outcomes: new OutcomeConsumers([{ onHead: note("head"), onEnd: note("end") }]),
      queue: this.queue,
      onResponseBegun: (slot: number) => pool.picker.beginTransfer(slot),
      free: (slot: number, _work: number, nowMs: number) => {
        this.inFlight[slot]--;
        this.queue.poll(nowMs);
      },
      picker: {
        usesKey: false,
        work: { on: false },
        inFlightAtDispatch: 0,
        beginTransfer: (slot: number) => {
          if (++this.transferring[slot] > this.inFlight[slot]) throw new Error("more are in transfer than there are");
        },
        transferringAt: (slot: number) => this.transferring[slot],
        endTransfer: (slot: number) => void this.transferring[slot]--,
        decision: 0,
        ...CHOICE,
        isPassedOver: () => false,
        hasUntried: (excluded: readonly number[]) => new Set(excluded).size < SERVERS,
        acquire: (_request: unknown, _nowMs: number, excluded: readonly number[]) => {
          if (this.full) return ALL_FULL;
          const slot = Math.max(
            0,
            [0, 1, 2].findIndex((each) => !excluded.includes(each)),
          );
          this.inFlight[slot]++;
          return slot;
        },
      },
    };
    const rules = new RouteRules({ ...routeToAll("default", { redirect: false, hstsMs: 0 }), number: 0 }, () => null);
    const auth = sides.auth ? compileAuth(AUTH, pool as unknown as ServerPool) : null;
    const mirror = sides.mirror ? { pool, host: null, share: 0.75, figures: this.mirrorFigures } : null;
    const route = {
      number: Route.PROXY,
      refusal: null,
      access: null,
      auth,
      mirror,
      compression: null,
      rules,
      target: () => target,
    };
    const place = { row: OTHER_ROW, key: -1 };
    const target = { route, pool, host: null, limits: null, settings: values, labels: null, place, apiPlace: place };
    const context = {
      settings: values,
      limits: LIMITS,
      memory,
      block,
      counters: block.counters,
      wheel: new TimerWheel(0),
      ids: new IdSource(new Uint32Array([1, 2, 3, 4])),
      accessLog: null,
      explain: null,
      tracing: {
        sampler: { samples: () => this.sampled },
        writer: new TraceWriter(memory.traces[0], BOOT_OFFSET_MS),
        propagates: true,
      },
      exemplars: null,
      random: seededRandom(1).next,
      leaving: false,
      draining: false,
      requestHead: new RequestHead(),
      responseHead: new ResponseHead(),
      hedgeTimers: {
        schedule: (who: Hedgeable, generation: number) => {
          this.#hedge = () => who.onHedgeDue(generation, this.nowMs);
        },
      },
      routes: { of: () => route },
      upstreams: Array.from({ length: SERVERS }, (_, slot) => ({
        endpoint: { id: slot + 1 },
        acquire: (user: UpstreamUser) => {
          const leg = new Leg(this, user, !this.connecting);
          this.legs.push(leg);
          return leg;
        },
      })),
    };
    this.#hedgeAfterMs = values.hedgeAfterMs;
    this.ctx = context as unknown as ExchangeContext;
    this.mirrors = new Mirrors(this.ctx, (error) => {
      throw error;
    });
    this.exchange = new Exchange(this.ctx, this.idle, this.mirrors);
    this.client.exchange = this.exchange;
  }

  /** The client asks. */
  asks(head: string, body = ""): this {
    const bytes = Buffer.from(`${head} HTTP/1.1\r\nHost: a.example\r\n${body}`, "latin1");
    const end = parseRequestHead(bytes, 0, bytes.length, this.ctx.requestHead, LIMITS);
    if (end <= 0) throw new Error(`no head: ${head}`);
    this.exchange.begin(this.client, bytes, 0, Route.PROXY, bytes, end, bytes.length, this.nowMs, this.nowMs);
    return this;
  }

  /** More of the request's body comes. */
  uploads(data: string): void {
    const bytes = Buffer.from(data, "latin1");
    this.exchange.onRequestBody(bytes, 0, bytes.length, this.nowMs);
  }

  /** So much time passes. */
  waits(ms: number): void {
    this.nowMs += ms;
    this.ctx.wheel.advance(this.nowMs);
  }

  /** The time of the hedge that was planned has come. */
  hedges(): void {
    this.nowMs += this.#hedgeAfterMs;
    this.#hedge();
  }
}
