import { describe, expect, test } from "bun:test";
import { LearnerFigure, LearnerWord } from "../../../../../src/shared/memory/layout/learning.ts";
import { isWaiter, QueueWord } from "../../../../../src/shared/memory/layout/queues.ts";
import { Instance, type Request, ROW } from "./fixture.ts";

const fates = (requests: readonly Request[]): string[] => requests.map(({ fate }) => fate);

describe("holding", () => {
  test("nothing is held while a server has room, and the strategy chooses among all; a freed place is for one with room", () => {
    const instance = new Instance(1).servers([0, 0, 0]).limits([1, 2, 3]);
    const [worker] = instance.workers;
    const requests = Array.from({ length: 9 }, () => worker.arrive());
    expect(fates(requests)).toEqual(Array(9).fill("sent"));
    expect([0, 1, 2].map((slot) => instance.inFlight(slot))).toEqual([3, 3, 3]); // in turn, until the last one was at its limit
    const held = worker.arrive();
    expect(held.fate).toBe("waits");
    requests[0].finish();
    expect(held.fate).toBe("waits"); // the first one still has twice as many as it can work on
    requests.find(({ fate, slot }) => fate === "sent" && slot === 2)?.finish();
    expect([held.fate, held.slot]).toEqual(["sent", 2]);
    worker.arrive();
    expect([worker.word(QueueWord.WAITING), worker.word(QueueWord.HELD_NOW), worker.word(QueueWord.HELD)]).toEqual([
      1, 1, 2,
    ]);
  });

  test("a server without a limit always has room", () => {
    const instance = new Instance(1).servers([0, 0]).limits([1, 0]);
    const [worker] = instance.workers;
    const requests = Array.from({ length: 20 }, () => worker.arrive());
    expect(fates(requests)).toEqual(Array(20).fill("sent"));
  });

  test("a freed place is given at once to the one that has waited longest", () => {
    const instance = new Instance(1).servers([0]).limits([2]);
    const [worker] = instance.workers;
    const requests = Array.from({ length: 6 }, () => worker.arrive());
    for (let i = 0; i < 4; i++) {
      requests[i].finish();
      expect(fates(requests)).toEqual([...Array(i + 1).fill("done"), "sent", "sent", ...Array(3 - i).fill("waits")]);
    }
    expect(worker.word(QueueWord.OLDEST_MS)).toBe(0);
    expect(isWaiter(instance.memory.pools.waiters, ROW, 0)).toBe(false);
  });

  test("a held request is sent anyway when its patience is over, but not beyond a hard limit", () => {
    const instance = new Instance(1).servers([2]).limits([1], 50);
    const [worker] = instance.workers;
    const [first, second, third] = [worker.arrive(), worker.arrive(), worker.arrive()];
    instance.pass(49);
    worker.tick();
    expect(second.fate).toBe("waits");
    instance.pass(1);
    worker.tick();
    expect([second.fate, third.fate]).toEqual(["sent", "waits"]);
    expect(second.place.sentAnyway).toBe(true);
    expect(worker.word(QueueWord.SENT_ANYWAY)).toBe(1);
    expect(instance.inFlight(0)).toBe(2);
    first.finish();
    expect(third.fate).toBe("sent");
    expect(worker.word(QueueWord.HELD_SECONDS)).toBeCloseTo(0.1);
  });

  test.each([
    ["the guardrail turns holding off", (i: Instance) => i.memory.learned[ROW].words.fill(0, LearnerWord.HOLDING)],
    ["limits are not renewed", (i: Instance) => i.memory.learned[ROW].figures.fill(1, LearnerFigure.LIMITS_MS)],
    ["the server becomes another", (i: Instance) => i.memory.learned[ROW].limitId.fill(99)],
    ["the setting is off", (i: Instance) => i.workers[0].picker.room.setLearning(false)],
  ])("%s: all are sent", (_, change) => {
    const instance = new Instance(1).servers([0]).limits([1], 500);
    const [worker] = instance.workers;
    const requests = Array.from({ length: 5 }, () => worker.arrive());
    expect(fates(requests).slice(1)).toEqual(Array(4).fill("waits"));
    change(instance);
    worker.tick();
    expect(fates(requests)).toEqual(Array(5).fill("sent"));
    expect(worker.word(QueueWord.SENT_ANYWAY)).toBe(0);
  });

  test("without patience, with QUEUE_TIMEOUT_MS=0 or QUEUE_SIZE=0 nothing is held", () => {
    const none = [
      new Instance(1).servers([0]).limits([1], 0),
      new Instance(1).servers([0]).limits([1], Number.NaN),
      new Instance(1, { queueTimeoutMs: 0 }).servers([0]).limits([1]),
      new Instance(1, { queueSize: 0 }).servers([0]).limits([1]),
    ];
    for (const { workers } of none) expect(fates([workers[0].arrive(), workers[0].arrive()])).toEqual(["sent", "sent"]);
  });

  test("a full queue refuses nobody because of what was only learned: the first one is sent on", () => {
    const instance = new Instance(1, { queueSize: 2 }).servers([3]).limits([1]);
    const [worker] = instance.workers;
    const requests = Array.from({ length: 4 }, () => worker.arrive());
    expect(fates(requests)).toEqual(["sent", "sent", "waits", "waits"]);
    requests.push(worker.arrive());
    expect(fates(requests)).toEqual(["sent", "sent", "sent", "waits", "waits"]);
    requests.push(worker.arrive());
    expect(requests[5].fate).toBe("refused");
    expect(worker.word(QueueWord.REFUSED_FULL)).toBe(1);
  });

  test("who sticks to a server waits for it while others have room, and keeps nobody else waiting", () => {
    const instance = new Instance(1).servers([0, 0]).limits([1, 2], 50);
    const [worker] = instance.workers;
    const first = worker.arrive({ sticky: 0 });
    const second = worker.arrive({ sticky: 0 });
    expect([first.fate, second.fate]).toEqual(["sent", "waits"]);
    const others = [worker.arrive({ sticky: 1 }), worker.arrive({ sticky: 1 })];
    expect(fates(others)).toEqual(["sent", "sent"]);
    first.finish();
    expect([second.fate, second.slot]).toEqual(["sent", 0]);
    const third = worker.arrive({ sticky: 0 });
    instance.pass(50);
    worker.tick();
    expect([third.fate, third.slot]).toEqual(["sent", 0]);
  });

  test("a client that goes away leaves at once, from the middle", () => {
    const instance = new Instance(1).servers([0]).limits([1], 500);
    const [worker] = instance.workers;
    const requests = Array.from({ length: 1001 }, () => worker.arrive());
    for (let i = 1; i < 1000; i += 2) requests[i].leave();
    expect(worker.queue.length).toBe(500);
    expect(worker.word(QueueWord.LEFT)).toBe(500);
    requests[0].finish();
    expect(requests[2].fate).toBe("sent");
  });
});

describe("hard limits", () => {
  /** A server that works on two at a time for 10 ms each, and so many requests a second for so long. */
  function overload(instance: Instance, perSecond: number, seconds: number): Request[] {
    const [worker] = instance.workers;
    const requests: Request[] = [];
    const ends: { readonly atMs: number; readonly request: Request }[] = [];
    let seen = 0;
    for (let i = 0; i < perSecond * seconds; i++) {
      requests.push(worker.arrive());
      for (let ms = 0; ms < 1000 / perSecond; ms++) {
        for (const request of instance.sent.slice(seen)) ends.push({ atMs: request.sentMs + 10, request });
        seen = instance.sent.length;
        while (ends.length > 0 && ends[0].atMs <= instance.nowMs) ends.shift()?.request.finish();
        instance.pass(1);
        worker.tick();
      }
    }
    return requests;
  }

  test("in lasting overload those that are served are served soon, and the others are refused early", () => {
    const instance = new Instance(1, { queueTimeoutMs: 1000 }).servers([2]);
    const requests = overload(instance, 500, 6); // of which 200 a second can be served
    const late = requests.filter(({ arrivedMs }) => arrivedMs > 13_000 && arrivedMs < 15_500);
    const served = late.filter(({ fate }) => fate === "done" || fate === "sent");
    expect(Math.max(...served.map(({ sentMs, arrivedMs }) => sentMs - arrivedMs))).toBeLessThanOrEqual(101);
    expect(served.length / late.length).toBeWithin(0.36, 0.44);
    expect(late.every(({ fate }) => ["done", "sent", "shed"].includes(fate))).toBe(true);
    expect(instance.workers[0].word(QueueWord.SHED)).toBe(requests.filter(({ fate }) => fate === "shed").length);
  });

  test("a burst is waited for: nobody is refused whom QUEUE_TIMEOUT_MS leaves the time", () => {
    const instance = new Instance(1, { queueTimeoutMs: 1000 }).servers([2]);
    overload(instance, 1000, 0.2);
    overload(instance, 100, 3);
    expect(instance.workers[0].word(QueueWord.SHED)).toBe(0);
  });

  test("that the worker stood still is no reason to refuse anybody, or to send anybody anyway", () => {
    const instance = new Instance(1).servers([0]).limits([1], 50);
    const [worker] = instance.workers;
    const [, second] = [worker.arrive(), worker.arrive()];
    instance.standstills.add(instance.nowMs + 1, instance.nowMs + 500);
    instance.nowMs += 501;
    instance.renew();
    worker.tick();
    expect(second.fate).toBe("waits");
    instance.pass(49);
    worker.tick();
    expect(second.fate).toBe("sent");
  });

  test("those who wait for one are not sent when a patience is over", () => {
    const instance = new Instance(1).servers([1]).limits([9], 50);
    const [worker] = instance.workers;
    const [, second] = [worker.arrive(), worker.arrive()];
    instance.pass(500);
    worker.tick();
    expect([second.fate, second.place.held]).toEqual(["waits", false]);
    expect([worker.word(QueueWord.WAITS), worker.word(QueueWord.HELD)]).toEqual([1, 0]);
  });
});

describe("several workers", () => {
  test("who has waited longest is woken for a place that another worker frees", () => {
    const instance = new Instance(3).servers([0]).limits([1]);
    const [a, b, c] = instance.workers;
    const first = a.arrive();
    const second = b.arrive();
    instance.pass(5);
    const third = c.arrive();
    expect([b.listens, c.listens, a.listens]).toEqual([true, true, false]);
    first.finish();
    expect(instance.bytes).toEqual([1]);
    instance.deliver();
    expect([second.fate, third.fate]).toEqual(["sent", "waits"]);
    second.finish();
    expect(instance.bytes).toEqual([2]);
    instance.deliver();
    expect(third.fate).toBe("sent");
    expect([a.word(QueueWord.WAKES_SENT), b.word(QueueWord.WAKES), c.word(QueueWord.WAKES)]).toEqual([1, 1, 1]);
  });

  test("a newcomer leaves the place to those that wait elsewhere, and its own worker's are not served before them", () => {
    const instance = new Instance(2).servers([0]).limits([1], 500);
    const [a, b] = instance.workers;
    const first = a.arrive();
    const second = b.arrive();
    instance.pass(5);
    const third = a.arrive();
    first.finish();
    const fourth = a.arrive();
    expect(fates([second, third, fourth])).toEqual(["waits", "waits", "waits"]);
    instance.deliver();
    expect(fates([second, third, fourth])).toEqual(["sent", "waits", "waits"]);
    second.finish();
    instance.deliver();
    expect(fates([third, fourth])).toEqual(["sent", "waits"]);
  });

  test("a worker that does not come for its place in time loses it, and is told no more than once", () => {
    const instance = new Instance(2).servers([0]).limits([1], 500);
    const [a, b] = instance.workers;
    const first = a.arrive();
    const second = b.arrive();
    instance.pass(5);
    const third = a.arrive();
    first.finish();
    expect(instance.bytes).toEqual([1]);
    expect(third.fate).toBe("waits");
    instance.pass(5);
    a.queue.poll(instance.nowMs);
    expect([second.fate, third.fate]).toEqual(["waits", "sent"]);
    third.finish();
    instance.pass(5);
    expect(a.arrive().fate).toBe("sent");
    expect(instance.bytes).toEqual([1]);
    instance.deliver();
    expect(second.fate).toBe("waits");
  });

  test("a byte that is lost costs nobody more than the next look", () => {
    const instance = new Instance(2).servers([0]).limits([1], 500);
    const [a, b] = instance.workers;
    const first = a.arrive();
    const second = b.arrive();
    instance.pass(5);
    first.finish();
    instance.bytes = [];
    b.tick();
    expect(second.fate).toBe("sent");
    const third = a.arrive();
    instance.pass(5);
    second.finish();
    expect(instance.bytes).toEqual([0]); // told again: the byte that was lost stands in nobody's way
    instance.deliver();
    expect(third.fate).toBe("sent");
  });

  test("who sticks to a server hears of its place, too", () => {
    const instance = new Instance(2).servers([0, 0]).limits([1, 1], 500);
    const [a, b] = instance.workers;
    const first = a.arrive({ sticky: 0 });
    const second = b.arrive({ sticky: 0 });
    instance.pass(5);
    first.finish();
    instance.deliver();
    expect(second.fate).toBe("sent");
  });
});
