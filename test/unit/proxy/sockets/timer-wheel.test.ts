import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Timed, TimerWheel } from "../../../../src/proxy/sockets/timer-wheel.ts";

const TICK_MS = 10;

class Probe extends Timed {
  readonly fired: number[] = [];
  readonly #then: ((nowMs: number) => void) | undefined;

  constructor(then?: (nowMs: number) => void) {
    super();
    this.#then = then;
  }

  override onDeadline(nowMs: number): void {
    this.fired.push(nowMs);
    this.#then?.(nowMs);
  }
}

function run(wheel: TimerWheel, from: number, to: number, step = TICK_MS): void {
  for (let now = from; now <= to; now += step) wheel.advance(now);
}

describe("TimerWheel", () => {
  test("fires once, never early and at most one tick late", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 5000 }), fc.integer({ min: 1, max: 60 }), (deadline, step) => {
        const wheel = new TimerWheel(0, TICK_MS, 64);
        const probe = new Probe();
        wheel.set(probe, deadline);
        run(wheel, 0, deadline + 2 * TICK_MS + 2 * step, step);
        expect(probe.fired.length).toBe(1);
        expect(probe.fired[0]).toBeGreaterThanOrEqual(deadline);
        expect(probe.fired[0]).toBeLessThanOrEqual(deadline + TICK_MS + step);
      }),
    );
  });

  test("any sequence of changes leaves the last one in force", () => {
    const change = fc.record({
      at: fc.integer({ min: 0, max: 40 }),
      deadline: fc.option(fc.integer({ min: 0, max: 3000 })),
    });
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 12 }), (changes) => {
        const wheel = new TimerWheel(0, TICK_MS, 16);
        const probe = new Probe();
        let now = 0;
        for (const { at, deadline } of changes) {
          for (const until = now + at; now < until; now++) wheel.advance(now);
          if (deadline === null) wheel.clear(probe);
          else wheel.set(probe, now + deadline);
        }
        const before = probe.fired.length;
        const last = probe.deadlineMs;
        run(wheel, now, now + 4000, 1);
        expect(probe.fired.length - before).toBe(last === Number.POSITIVE_INFINITY ? 0 : 1);
      }),
    );
  });

  test("a deadline beyond one round fires after all its rounds", () => {
    const wheel = new TimerWheel(0, TICK_MS, 8);
    const probe = new Probe();
    wheel.set(probe, 1000);
    run(wheel, 0, 990);
    expect(probe.fired).toEqual([]);
    run(wheel, 1000, 1020);
    expect(probe.fired).toEqual([1010]);
  });

  test("after a stall of many rounds everything overdue fires", () => {
    const wheel = new TimerWheel(0, TICK_MS, 8);
    const probes = Array.from({ length: 30 }, (_, i) => {
      const probe = new Probe();
      wheel.set(probe, i * 7);
      return probe;
    });
    wheel.advance(100_000);
    for (const probe of probes) expect(probe.fired).toEqual([100_000]);
  });

  test("removed is gone, also when another fires in the same slot", () => {
    const wheel = new TimerWheel(0, TICK_MS);
    const victims = [new Probe(), new Probe()];
    const killer = new Probe(() => {
      for (const victim of victims) wheel.remove(victim);
    });
    wheel.set(victims[0], 25);
    wheel.set(killer, 25); // the slot is last in, first out: it fires before the first and after the second
    wheel.set(victims[1], 25);
    wheel.advance(40);
    expect(victims[0].fired.length + killer.fired.length).toBe(1);
    expect(killer.fired.length).toBe(1);
  });

  test("what fires may set itself and others again", () => {
    const wheel = new TimerWheel(0, TICK_MS, 16);
    const other = new Probe();
    const again: Probe = new Probe((now) => {
      if (again.fired.length < 5) wheel.set(again, now + 30);
      wheel.set(other, now + 10);
    });
    wheel.set(again, 5);
    run(wheel, 0, 1000);
    expect(again.fired.length).toBe(5);
    expect(other.fired.length).toBe(5);
  });

  test("what throws does not keep others from firing", () => {
    const wheel = new TimerWheel(0, TICK_MS);
    const others = [new Probe(), new Probe()];
    wheel.set(others[0], 25);
    wheel.set(
      new Probe(() => {
        throw new Error("a bug");
      }),
      25,
    );
    wheel.set(others[1], 25);
    expect(() => wheel.advance(40)).toThrow("a bug");
    wheel.advance(60);
    for (const other of others) expect(other.fired.length).toBe(1);
  });

  test("a deadline in the past fires at the next tick", () => {
    const wheel = new TimerWheel(1000, TICK_MS);
    const probe = new Probe();
    wheel.set(probe, 0);
    wheel.advance(1000);
    expect(probe.fired).toEqual([]);
    wheel.advance(1010);
    expect(probe.fired).toEqual([1010]);
  });
});
