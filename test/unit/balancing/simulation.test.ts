/** Whole strategies against simulated fleets: what they are for must show. Seeded, on a virtual clock. */
import { describe, expect, test } from "bun:test";
import { STRATEGY_NAMES } from "../../../src/balancing/registry.ts";
import { firstSlots, fleetOf, make } from "./fleet.ts";
import { type Load, type SimulatedServer, type SimulationResult, simulate } from "./simulation.ts";

const REQUESTS = 15_000;

function run(name: string, servers: readonly SimulatedServer[], load: Load, n = REQUESTS, seed = 5): SimulationResult {
  const fleet = fleetOf(firstSlots(servers.length));
  return simulate(make(name, fleet, seed), fleet, servers, load, n, seed);
}

function server(meanMs: number, failureShare = 0): SimulatedServer {
  return { meanMs: () => meanMs, places: 4, failureShare };
}

const EQUAL = Array.from({ length: 10 }, () => server(10));
const UNEQUAL = [5, 5, 10, 10, 10, 10, 20, 20, 40, 40].map((meanMs) => server(meanMs));
/** The third of six servers takes twenty times as long from second 5 to second 8. */
const PEAKING = Array.from({ length: 6 }, (_, i) => ({
  meanMs: (nowMs: number) => (i === 2 && nowMs > 5000 && nowMs < 8000 ? 200 : 10),
  places: 4,
}));

describe("the simulator itself", () => {
  test("repeats by seed and answers every request", () => {
    const one = run("p2c", UNEQUAL, { perSecond: 1000 }, 3000);
    const two = run("p2c", UNEQUAL, { perSecond: 1000 }, 3000);
    expect(one.requests).toEqual(two.requests);
    expect(one.quantileMs(0.99)).toBe(two.quantileMs(0.99));
    expect(one.requests.reduce((a, b) => a + b)).toBe(3000);
  });

  test("an idle server answers in its mean service time", () => {
    const { quantileMs } = run("random", [server(20)], { clients: 1 }, 5000);
    expect(quantileMs(0.5)).toBeCloseTo(20 * Math.exp(-(0.7 ** 2) / 2), -0.5);
  });
});

describe("a slow server", () => {
  const closed = { clients: 12 };

  test.each(["least_connections", "p2c", "peak_ewma", "least_response_time"])("gets less under %s", (name) => {
    const { requests } = run(name, [server(10), server(10), server(40)], closed);
    expect(requests[2]).toBeLessThan(requests[0] / 2);
    expect(requests[2]).toBeLessThan(requests[1] / 2);
  });

  test("gets as much as the others under round_robin and random", () => {
    for (const name of ["round_robin", "random"]) {
      const { requests } = run(name, [server(10), server(10), server(40)], closed);
      expect(requests[2]).toBeGreaterThan(REQUESTS * 0.31);
    }
  });

  test("least_connections gives in proportion to speed in an open loop under load", () => {
    const { requests } = run("least_connections", [server(10), server(10), server(40)], { perSecond: 700 });
    expect(requests[0]).toBeGreaterThan(requests[2] * 2);
    expect(Math.abs(requests[0] - requests[1])).toBeLessThan(REQUESTS * 0.05);
  });
});

describe("an unequal fleet", () => {
  test("p99: least_response_time < peak_ewma < p2c < random, at a load that random cannot carry", () => {
    const p99 = (name: string) => run(name, UNEQUAL, { perSecond: 1800 }).quantileMs(0.99);
    const [best, peakEwma, p2c, random] = ["least_response_time", "peak_ewma", "p2c", "random"].map(p99);
    expect(best).toBeLessThan(peakEwma);
    expect(peakEwma).toBeLessThan(p2c);
    expect(p2c).toBeLessThan(random / 10);
  });

  test("those that learn win at light load too, where in-flight counts say little", () => {
    const p99 = (name: string) => run(name, UNEQUAL, { perSecond: 200 }).quantileMs(0.99);
    expect(p99("peak_ewma")).toBeLessThan(p99("random") * 0.8);
    expect(p99("least_response_time")).toBeLessThan(p99("least_connections") * 0.6);
  });
});

test.each([...STRATEGY_NAMES])("%s loses nothing on an equal fleet", (name) => {
  const { requests, quantileMs } = run(name, EQUAL, { perSecond: 2400 });
  const best = run("least_connections", EQUAL, { perSecond: 2400 }).quantileMs(0.99);
  expect(quantileMs(0.99)).toBeLessThan(best * 1.25);
  for (const count of requests) {
    expect(count).toBeGreaterThan(REQUESTS * 0.06);
    expect(count).toBeLessThan(REQUESTS * 0.15);
  }
});

describe("a latency peak", () => {
  test.each(["peak_ewma", "least_response_time", "adaptive", "ml"])(
    "%s leaves the server at once and comes back",
    (name) => {
      const fleet = fleetOf(firstSlots(6));
      const strategy = make(name, fleet);
      const sent = new Map<string, number>();
      const phase = (nowMs: number) =>
        nowMs < 5000 ? "before" : nowMs < 8000 ? "during" : nowMs < 30_000 ? "after" : "later";
      const counting = {
        pick(candidates: Int32Array, count: number, key: number, nowMs: number) {
          const slot = strategy.pick(candidates, count, key, nowMs);
          if (slot === 2) sent.set(phase(nowMs), (sent.get(phase(nowMs)) ?? 0) + 1);
          return slot;
        },
        onOutcome: strategy.onOutcome?.bind(strategy),
      };
      simulate(counting, fleet, PEAKING, { perSecond: 600 }, 36_000, 7);
      // A sixth of 600 per second is 100 per second.
      expect(sent.get("before")).toBeGreaterThan(250);
      expect(sent.get("during") ?? 0).toBeLessThan(40);
      expect(sent.get("later")).toBeGreaterThan(1000);
    },
  );

  test("random keeps sending, and its p99 shows it", () => {
    const random = run("random", PEAKING, { perSecond: 1200 });
    const peakEwma = run("peak_ewma", PEAKING, { perSecond: 1200 });
    expect(random.quantileMs(0.99)).toBeGreaterThan(peakEwma.quantileMs(0.99) * 5);
  });
});

describe("a server that fails at once", () => {
  const failing = Array.from({ length: 6 }, (_, i) => server(10, i === 2 ? 1 : 0));

  test.each(["peak_ewma", "least_response_time", "adaptive", "ml"])("does not look fast to %s", (name) => {
    const { failures } = run(name, failing, { perSecond: 800 });
    expect(failures).toBeLessThan(REQUESTS * 0.003);
    expect(failures).toBeGreaterThan(0); // it is tried, or its recovery would go unseen
  });

  test("draws requests to it under least_connections: that is what ejection is for", () => {
    expect(run("least_connections", failing, { perSecond: 800 }).failures).toBeGreaterThan(REQUESTS / 6);
  });

  test.each(["peak_ewma", "least_response_time", "adaptive", "ml"])(
    "a few errors everywhere do not upset %s",
    (name) => {
      const servers = Array.from({ length: 6 }, () => server(10, 0.002));
      for (const count of run(name, servers, { perSecond: 1400 }).requests) {
        expect(count).toBeGreaterThan(REQUESTS * 0.08);
        expect(count).toBeLessThan(REQUESTS * 0.27);
      }
    },
  );
});

describe("a newcomer", () => {
  test.each(["peak_ewma", "least_response_time", "adaptive", "ml"])(
    "of unknown speed gets a share under %s, not everything",
    (name) => {
      const fleet = fleetOf(firstSlots(4));
      const strategy = make(name, fleet);
      for (let ms = 0; ms < 5000; ms++) {
        for (let slot = 0; slot < 4; slot++) strategy.onOutcome?.(slot, 20, false, ms);
      }
      fleet.place(3);
      const candidates = Int32Array.from(firstSlots(4));
      strategy.onCandidates?.(candidates, 4);
      // Forty requests at once, none answered yet: an unknown server that counted as zero would get them all.
      for (let i = 0; i < 40; i++) fleet.inFlight[strategy.pick(candidates, 4, 0, 5000)]++;
      expect(fleet.inFlight[3]).toBeGreaterThan(5);
      expect(fleet.inFlight[3]).toBeLessThan(16);
    },
  );

  test.each(["peak_ewma", "least_response_time", "adaptive", "ml"])(
    "that is slow is tried on an idle fleet under %s, then left",
    (name) => {
      const { requests } = run(name, [server(10), server(10), server(10), server(300)], { perSecond: 20 }, 2000);
      expect(requests[3]).toBeGreaterThan(2); // 100 s: once in every expiry
      expect(requests[3]).toBeLessThan(60);
    },
  );

  describe.each(["peak_ewma", "least_response_time", "adaptive", "ml"])("on an idle fleet under %s", (name) => {
    /** Servers 0 and 2 are known, at 10 and 100 ms; server 1 is not, and counts as something between. */
    function started() {
      const fleet = fleetOf(firstSlots(3));
      const strategy = make(name, fleet);
      for (let ms = 0; ms < 5000; ms++) {
        strategy.onOutcome?.(0, 10, false, ms);
        strategy.onOutcome?.(2, 100, false, ms);
      }
      strategy.onCandidates?.(Int32Array.of(0, 1, 2), 3);
      const picks = (fromMs: number) =>
        Array.from({ length: 40 }, (_, i) => strategy.pick(Int32Array.of(0, 1), 2, 0, fromMs + i * 20));
      return { fleet, strategy, picks };
    }

    test("is tried once, not until it answers", () => {
      expect(
        started()
          .picks(5000)
          .filter((slot) => slot === 1),
      ).toHaveLength(1);
    });

    test("is not tried while it still has a request", () => {
      const { fleet, picks } = started();
      fleet.inFlight[1] = 1;
      expect(picks(5000)).not.toContain(1);
    });

    test("an outcome counts at the very next pick", () => {
      const { strategy, picks } = started();
      picks(5000);
      for (let i = 0; i < 200; i++) strategy.onOutcome?.(0, 2000, false, 5780);
      expect(strategy.pick(Int32Array.of(0, 1), 2, 0, 5780)).toBe(1);
    });
  });
});
