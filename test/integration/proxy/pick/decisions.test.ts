/** What a worker notes of the requests that it places, over real connections. */
import { afterEach, describe, expect, test } from "bun:test";
import {
  findOutcomes,
  findRequest,
  OutcomeFeed,
  type RecordedOutcome,
} from "../../../../src/learning/serving/worker-rings.ts";
import { hashRequestId } from "../../../../src/shared/memory/request-id-hash.ts";
import { Backend, cleanUp, eventually, get, ok, type Target, TestProxy } from "../../../support/proxy-harness.ts";
import { singleValue, type WireMessage } from "../../../support/wire.ts";

afterEach(cleanUp);

const ML = { strategy: "ml", retryBudgetPercent: 100 };

function decisionsOf(proxy: TestProxy, id: string) {
  const hash = new Int32Array(4);
  const bytes = Buffer.from(id, "latin1");
  hashRequestId(bytes, 0, bytes.length, hash, 0);
  return findRequest(proxy.memory, hash);
}

/** A response that says by which id the server knows the request. */
const echo = (request: WireMessage) => ok(singleValue(request, "x-request-id"));
const idOf = (answer: WireMessage): string => answer.body.toString();

function outcomesOf(proxy: TestProxy): RecordedOutcome[] {
  const outcomes: RecordedOutcome[] = [];
  new OutcomeFeed(proxy.memory).drain((outcome) => outcomes.push(outcome));
  return outcomes;
}

const heads = (proxy: TestProxy) => {
  const { decisions, outcomes } = proxy.memory.rings[0];
  return [decisions.head[0], outcomes.head[0]];
};

/** A server that answers after `ms`. */
const slow = (ms: number) =>
  Backend.answering(async (request) => {
    await Bun.sleep(ms);
    return echo(request);
  });

describe("a decision", () => {
  test("is noted for each request, under the id in its answer, with its outcome", async () => {
    const targets: Target[] = [await Backend.answering(echo), await Backend.answering(echo)];
    const proxy = new TestProxy(targets, { settings: ML });
    for (let i = 0; i < 12; i++) {
      const [decision, ...more] = decisionsOf(proxy, idOf(await proxy.ask(get())));
      expect(more).toEqual([]);
      expect(decision.serverId).toBe(decision.slot + 1);
      expect(decision.candidates.map(({ slot }) => slot).sort()).toEqual([0, 1]);
      const [outcome] = findOutcomes(proxy.memory, decision);
      expect(outcome).toMatchObject({ slot: decision.slot, serverId: decision.serverId, failed: false, inFlight: 0 });
      expect(outcome.atMs - outcome.latencyMs).toBeCloseTo(decision.atMs, 6);
    }
    expect(heads(proxy)).toEqual([12, 12]);
  });

  test("is found by the id that a trusted peer gave, whatever it looks like", async () => {
    const proxy = new TestProxy([await Backend.answering(echo)], {
      settings: { ...ML, trustedProxies: ["127.0.0.0/8"] },
    });
    const answer = await proxy.ask(get("/", "X-Request-Id: order-4711/retry\r\n"));
    expect(idOf(answer)).toBe("order-4711/retry");
    expect(decisionsOf(proxy, "order-4711/retry")).toHaveLength(1);
  });

  test("of a retry is one of its own; the failed attempt has a failed outcome", async () => {
    const bad = await Backend.start(async (connection) => {
      await connection.message();
      connection.destroy();
    });
    const proxy = new TestProxy([bad, await Backend.answering(echo)], { settings: ML });
    let retried = 0;
    while (retried < 1) {
      const answer = await proxy.ask(get());
      expect(answer.status).toBe(200);
      const decisions = decisionsOf(proxy, idOf(answer));
      const failed = decisions.map((decision) => findOutcomes(proxy.memory, decision).map((each) => each.failed));
      if (decisions.length === 1) expect(failed).toEqual([[false]]);
      else {
        retried++;
        expect(failed).toEqual([[true], [false]]);
        expect(decisions.map(({ slot }) => slot)).toEqual([0, 1]);
        expect(decisions[1].candidates.map(({ slot }) => slot)).toEqual([1]); // the other was tried
      }
    }
    expect(outcomesOf(proxy).filter(({ failed }) => failed)).toHaveLength(1);
  });

  test("of a hedge is one of its own; the attempt that lost has no outcome", async () => {
    const targets: Target[] = [await slow(60_000), await Backend.answering(echo)];
    const proxy = new TestProxy(targets, { settings: { ...ML, hedgeAfterMs: 30, hedgeBudgetPercent: 100 } });
    let hedged = 0;
    while (hedged < 2) {
      const decisions = decisionsOf(proxy, idOf(await proxy.ask(get())));
      if (decisions.length === 1) continue;
      hedged++;
      // The other one may be late, too, and then the slow one is the second that is asked.
      const ends = decisions.map((decision) => [decision.slot, findOutcomes(proxy.memory, decision).length]);
      expect(ends.sort()).toEqual([
        [0, 0],
        [1, 1],
      ]);
    }
  });

  test("of a request that the client gives up has no outcome", async () => {
    const proxy = new TestProxy([await slow(60_000)], { settings: ML });
    const client = await proxy.connect();
    await client.send(get());
    await eventually(() => proxy.inFlight === 1);
    client.reset();
    await eventually(() => proxy.inFlight === 0);
    expect(heads(proxy)).toEqual([1, 0]);
  });

  test("whose answer is cut off has two outcomes: it began, and it failed", async () => {
    const cut = await Backend.start(async (connection) => {
      await connection.message();
      await connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
      connection.destroy();
    });
    const proxy = new TestProxy([cut], { settings: ML });
    const client = await proxy.connect();
    await client.send(get());
    await eventually(() => proxy.memory.rings[0].outcomes.head[0] === 2);
    expect(outcomesOf(proxy).map(({ failed, decision }) => [failed, decision])).toEqual([
      [false, 1],
      [true, 1],
    ]);
  });
});

describe("another strategy", () => {
  test("notes nothing, before and after; what is under way when it changes is noted by neither", async () => {
    const proxy = new TestProxy([await Backend.answering(echo)], { settings: { strategy: "p2c" } });
    for (let i = 0; i < 5; i++) await proxy.ask(get());
    expect(heads(proxy)).toEqual([0, 0]);
    proxy.change(ML);
    for (let i = 0; i < 5; i++) await proxy.ask(get());
    expect(heads(proxy)).toEqual([5, 5]);
    proxy.change({ strategy: "p2c" });
    for (let i = 0; i < 5; i++) await proxy.ask(get());
    expect(heads(proxy)).toEqual([5, 5]);
    proxy.change(ML);
    await proxy.ask(get());
    expect(heads(proxy)).toEqual([6, 6]);
  });
});
