/**
 * Whatever clients and servers do, and in whatever order: each attempt leaves one record, each place in flight is given
 * back, and the exchange serves the next request. Seeded walks; a failure names its seed.
 */
import { expect, test } from "bun:test";
import { seededRandom } from "../../../../../src/balancing/random.ts";
import { Failures } from "../../../../../src/proxy/failure.ts";
import { BOOT_OFFSET_MS, type Leg, Rig, type Sides } from "../fixture.ts";

const WALKS = 12;
/** By one exchange, one after the other. */
const REQUESTS = 150;
const STEPS = 40;
/** Whatever has a deadline is over by then. */
const LONGEST_MS = 20_000;
/** Legs that may still do something, those of earlier requests among them. */
const LAST_LEGS = 6;

type Random = () => number;

function oneOf<T>(list: readonly T[], random: Random): T {
  return list[Math.floor(random() * list.length)] as T;
}

const REQUEST_HEADS = [
  ["GET /", "\r\n"],
  ["GET /", "Connection: Upgrade\r\nUpgrade: x\r\n\r\n"],
  ["POST /", "Content-Length: 8\r\n\r\nhalf"],
  ["PUT /", "Transfer-Encoding: chunked\r\n\r\n"],
  ["PUT /", "Expect: 100-continue\r\nContent-Length: 4\r\n\r\n"],
] as const;
const UPLOADS = ["half", "4\r\nhalf\r\n", "0\r\n\r\n", "more than was announced", ""];
const RESPONSES = [
  ["200 OK\r\nContent-Length: 4", "full"],
  ["200 OK\r\nContent-Length: 8", "half"],
  ["200 OK\r\nTransfer-Encoding: chunked", "4\r\nhalf\r\n"],
  ["200 OK\r\nTransfer-Encoding: chunked", "wrong"],
  ["200 OK", "until it closes"],
  ["204 No Content", ""],
  ["500 Oops\r\nContent-Length: 0", ""],
  ["503 Busy\r\nContent-Length: 4", "ha"],
  ["503 Busy\r\nTransfer-Encoding: chunked", ""],
  ["101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x", "hello"],
] as const;
const LOSSES = [
  Failures.CLOSED_BEFORE_RESPONSE,
  Failures.BAD_RESPONSE,
  Failures.CONNECT_REFUSED,
  Failures.STALE_CONNECTION,
];

/** How far a server is, so that it only does what a leg can tell of. */
const Stage = { CONNECTING: 0, ASKED: 1, RESPONDING: 2, OVER: 3 } as const;

class Walk {
  readonly #random: Random;
  readonly #rig: Rig;
  readonly #stages = new Map<Leg, number>();
  readonly #sides: Sides;

  constructor(seed: number, sides: Sides) {
    this.#sides = sides;
    const random = seededRandom(seed).next;
    this.#random = random;
    this.#rig = new Rig(
      {
        retryAttempts: oneOf([0, 2], random),
        hedgeAfterMs: oneOf([0, 50], random),
        perTryTimeoutMs: oneOf([0, 500], random),
        maxBodyBytes: 16,
      },
      sides,
    );
  }

  request(): void {
    const rig = this.#rig;
    const { client, exchange } = rig;
    const before = { legs: rig.legs.length, told: rig.told.length };
    rig.idle.length = 0;
    client.left = "";
    client.takes = true;
    client.queuedBytes = 0;
    rig.sampled = this.#random() < 0.7;
    const [head, rest] = oneOf(REQUEST_HEADS, this.#random);
    rig.asks(head, rest);
    for (let i = 0; i < STEPS && client.left === ""; i++) this.#step();
    if (client.left === "") exchange.abort(rig.nowMs);
    this.#verify(before.legs, before.told);
  }

  #step(): void {
    const rig = this.#rig;
    const { client, exchange } = rig;
    const leg = rig.legs.length > 0 ? oneOf(rig.legs.slice(-LAST_LEGS), this.#random) : undefined;
    const steps: (() => void)[] = [
      () => this.#clientSends(),
      () => rig.waits(oneOf([1, 100, 1500], this.#random)),
      () => rig.hedges(),
      () => rig.queue.poll(rig.nowMs),
      () => this.#client(),
      () => this.#turn(),
    ];
    if (leg !== undefined) for (let i = 0; i < steps.length / 2; i++) steps.push(() => this.#serve(leg));
    oneOf(steps, this.#random)();
    if (client.left === "" && !client.takes && this.#random() < 0.5) exchange.abort(rig.nowMs);
  }

  #clientSends(): void {
    const { exchange, nowMs } = this.#rig;
    if (exchange.isTunnel) exchange.onTunnelData(Buffer.from("hello"), nowMs);
    else if (!exchange.requestComplete) this.#rig.uploads(oneOf(UPLOADS, this.#random));
  }

  #client(): void {
    const { client, exchange, nowMs } = this.#rig;
    oneOf(
      [
        () => exchange.abort(nowMs),
        () => exchange.onClientEnd(nowMs),
        () => {
          client.takes = false;
        },
        () => {
          client.queuedBytes = 100_000;
        },
        () => {
          client.queuedBytes = 0;
          exchange.onClientDrain(nowMs);
        },
        () => exchange.closeTunnel(nowMs),
      ],
      this.#random,
    )();
  }

  /** What servers will be like from here on. */
  #turn(): void {
    const rig = this.#rig;
    rig.full = this.#random() < 0.3;
    rig.connecting = this.#random() < 0.3;
    rig.refusesSends = this.#random() < 0.1;
  }

  #serve(leg: Leg): void {
    const stage = this.#stages.get(leg) ?? (leg.ready ? Stage.ASKED : Stage.CONNECTING);
    this.#stages.set(leg, stage);
    if (leg.user === null || stage === Stage.OVER) return;
    const random = this.#random;
    const bad = random() < 0.3;
    if (stage === Stage.RESPONDING) {
      if (random() < 0.5) leg.sends(oneOf(["half", "0\r\n\r\n", ""], random));
      else this.#finally(leg, () => leg.ends(bad));
    } else if (bad) this.#finally(leg, () => leg.fails(oneOf(LOSSES, random), stage === Stage.CONNECTING));
    else if (stage === Stage.CONNECTING) {
      this.#stages.set(leg, Stage.ASKED);
      leg.connects();
    } else if (random() < 0.2) leg.responds(oneOf(["100 Continue", "103 Early Hints"], random));
    else {
      this.#stages.set(leg, Stage.RESPONDING);
      // Most may pass, or there would be little behind it.
      const passes = this.#sides.auth === true && random() < 0.7;
      const [head, rest] = passes ? (["204 No Content", ""] as const) : oneOf(RESPONSES, random);
      leg.responds(head, rest);
    }
  }

  #finally(leg: Leg, end: () => void): void {
    this.#stages.set(leg, Stage.OVER);
    end();
  }

  #verify(firstLeg: number, firstTold: number): void {
    const rig = this.#rig;
    if (this.#sides.mirror) rig.waits(LONGEST_MS); // a copy may outlive its request
    const told = rig.told.slice(firstTold);
    const ends = told.filter(({ what }) => what === "end");
    if (this.#sides.auth || this.#sides.mirror) {
      const heads = told.length - ends.length;
      expect(ends.length).toBe(rig.legs.length - firstLeg);
      expect(ends.filter(({ outcome }) => outcome.status !== 0).length).toBe(heads);
      expect(rig.mirrors.underWay).toBe(0);
    } else this.#verifyNumbers(told, ends, firstLeg);
    this.#verifyTrace(ends);
    expect([...rig.inFlight]).toEqual([0, 0, 0]);
    expect([...rig.transferring]).toEqual([0, 0, 0]);
    expect(rig.queue.length).toBe(0);
    expect(rig.idle).toEqual([rig.exchange]);
  }

  /** A sampled request leaves one record, which says of each attempt what everybody was told of it. */
  #verifyTrace(ends: Rig["told"]): void {
    const rig = this.#rig;
    const records = rig.traces.take();
    expect(records.length).toBe(rig.sampled ? 1 : 0);
    if (!rig.sampled) return;
    const [{ attempts, count, startMs, endMs }] = records;
    expect(count).toBe(ends.length);
    expect(endMs).toBeGreaterThanOrEqual(startMs);
    const all = ends.map(({ outcome }) => ({
      server: outcome.serverId,
      status: outcome.status,
      failure: outcome.failure?.code ?? "",
      startMs: outcome.dispatchedMs + BOOT_OFFSET_MS,
      responseBytes: outcome.responseBytes,
      headMs: Math.fround(outcome.latencyMs),
      connectMs: Math.fround(outcome.connectMs),
      reused: outcome.reused,
    }));
    const key = (each: object): string => JSON.stringify(each);
    const traced = attempts.map(({ server, status, failure, startMs, responseBytes, headMs, connectMs, reused }) =>
      key({ server, status, failure, startMs, responseBytes, headMs, connectMs, reused }),
    );
    const expected = all.map(key);
    if (count === attempts.length) expect(traced.sort()).toEqual(expected.sort());
    for (const each of traced) expect(expected).toContain(each);
    expect(new Set(attempts.map(({ spanId }) => spanId)).size).toBe(attempts.length);
    expect(attempts.filter(({ responded }) => responded).length).toBeLessThanOrEqual(1);
  }

  #verifyNumbers(told: Rig["told"], ends: Rig["told"], firstLeg: number): void {
    const rig = this.#rig;
    expect(ends.map(({ outcome }) => outcome.number).sort()).toEqual(rig.legs.slice(firstLeg).map((_, i) => i + 1));
    for (const { outcome } of ends) {
      const of = told.filter((each) => each.outcome.number === outcome.number).map(({ what }) => what);
      expect(of).toEqual(outcome.status === 0 ? ["end"] : ["head", "end"]);
    }
  }
}

test.each([
  ["a request alone", {}],
  ["a request that is asked about", { auth: true }],
  ["a request that is mirrored", { mirror: true }],
  ["a request that is asked about and mirrored", { auth: true, mirror: true }],
] as const)("of %s every attempt is told of once, and nothing is kept", (_what, sides) => {
  for (let seed = 1; seed <= WALKS; seed++) {
    const walk = new Walk(seed, sides);
    try {
      for (let i = 0; i < REQUESTS; i++) walk.request();
    } catch (error) {
      throw new Error(`walk ${seed}`, { cause: error });
    }
  }
});
