import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { judgeTogether, type VotedServer } from "../../../src/health/fleet-majority.ts";
import {
  countVotes,
  describeVotes,
  isMajority,
  MajorityVerdict,
  type OthersVotes,
  type OwnVerdict,
} from "../../../src/health/majority.ts";
import { ServerState } from "../../../src/shared/memory/layout/shared-memory.ts";

const views = fc.constantFrom<OwnVerdict[]>("up", "down", "ejected");
const SETTLED_MS = 10_000;
const REST_MS = 5_000;

/** A server at slot `slot` as an instance has it. */
class Server implements VotedServer {
  readonly majority = new MajorityVerdict(0);
  ownVerdict: OwnVerdict = "up";
  withdrawn = false;
  readonly slot: number;

  constructor(slot: number) {
    this.slot = slot;
  }

  get state(): ServerState {
    if (this.withdrawn) return ServerState.DRAINING;
    if (this.ownVerdict === "down") return ServerState.DOWN;
    return this.ownVerdict === "ejected" || this.majority.out ? ServerState.EJECTED : ServerState.UP;
  }
}

/** What one instance hears of the others. */
function heard(views: readonly (readonly (OwnVerdict | null)[])[], servers: number): OthersVotes {
  const count = (is: (view: OwnVerdict | null) => boolean) =>
    Int32Array.from({ length: servers }, (_, slot) => views.filter((view) => is(view[slot])).length);
  return {
    known: count((view) => view !== null),
    down: count((view) => view === "down"),
    ejected: count((view) => view === "ejected"),
  };
}

/** Instances that tell each other their own views, and judge together at each turn. */
function cluster(instances: number, servers: number, maxEjectedPercent = 50) {
  const fleets = Array.from({ length: instances }, () =>
    Array.from({ length: servers }, (_, slot) => new Server(slot)),
  );
  let flips = 0;
  return {
    fleets,
    flips: () => flips,
    turn(nowMs: number, alone = false) {
      const told = fleets.map((fleet) => fleet.map(({ ownVerdict }) => ownVerdict));
      fleets.forEach((fleet, index) => {
        const others = heard(told.toSpliced(index, 1), servers);
        judgeTogether(fleet, alone ? null : others, maxEjectedPercent, nowMs, {
          onTakenOut: () => flips++,
          onBroughtBack: () => flips++,
        });
      });
    },
    states: (slot: number) => fleets.map((fleet) => fleet[slot].state),
  };
}

const { UP, DOWN, EJECTED } = ServerState;

describe("a majority", () => {
  const votes = (instances: number, down: number, ejected = 0) => isMajority({ instances, down, ejected });

  test("is more than half of three or more", () => {
    expect([votes(3, 2), votes(3, 1), votes(4, 2), votes(4, 2, 1), votes(5, 1, 2)]).toEqual([
      true,
      false,
      false,
      true,
      true,
    ]);
  });

  test("of two or one is none", () => {
    expect([votes(1, 1), votes(2, 1), votes(2, 2)]).toEqual([false, false, false]);
  });

  test("counts what cannot be as what can: numbers come from outside", () => {
    const column = (value: number) => Int32Array.of(value);
    const absurd = { known: column(2), down: column(9), ejected: column(-4) };
    expect(countVotes(absurd, 0, "up")).toEqual({ instances: 3, down: 2, ejected: 0 });
    expect(countVotes(absurd, 7, "down")).toEqual({ instances: 1, down: 1, ejected: 0 });
    fc.assert(
      fc.property(fc.integer(), fc.integer(), fc.integer(), (known, down, ejected) => {
        const counted = countVotes(
          { known: column(known), down: column(down), ejected: column(ejected) },
          0,
          "ejected",
        );
        expect(counted.down).toBeGreaterThanOrEqual(0);
        expect(counted.ejected).toBeGreaterThanOrEqual(1);
        expect(counted.down + counted.ejected).toBeLessThanOrEqual(counted.instances);
      }),
    );
  });

  test("is said in words", () => {
    expect(describeVotes({ instances: 3, down: 1, ejected: 1 })).toBe(
      "2 of 3 instances have it out (1 by health checks, 1 ejected it)",
    );
    expect(describeVotes({ instances: 3, down: 0, ejected: 0 })).toBe("none of 3 instances has it out");
  });
});

describe("instances together", () => {
  test("take out for all what two of three have out, and bring it back with their own views", () => {
    const { fleets, turn, states } = cluster(3, 4);
    fleets[0][1].ownVerdict = "down";
    turn(SETTLED_MS);
    expect(states(1)).toEqual([DOWN, UP, UP]); // one cannot reach it: that is its own affair
    fleets[1][1].ownVerdict = "ejected";
    turn(SETTLED_MS + 100);
    expect(states(1)).toEqual([DOWN, EJECTED, EJECTED]);
    fleets[0][1].ownVerdict = "up";
    turn(SETTLED_MS + 200);
    expect(states(1)).toEqual([UP, EJECTED, UP]);
  });

  test("do not confirm themselves: what was decided together is nobody's view", () => {
    fc.assert(
      fc.property(fc.array(views, { minLength: 3, maxLength: 9 }), (first) => {
        const { fleets, turn, states } = cluster(first.length, 3);
        for (const [index, view] of first.entries()) fleets[index][0].ownVerdict = view;
        for (let round = 0; round < 50; round++) turn(SETTLED_MS + round * 100);
        for (const fleet of fleets) fleet[0].ownVerdict = "up";
        turn(SETTLED_MS + 5_100);
        expect(states(0)).toEqual(fleets.map(() => UP));
      }),
    );
  });

  test("go by their own views when they are two", () => {
    const { fleets, turn, states } = cluster(2, 3);
    fleets[0][0].ownVerdict = "down";
    turn(SETTLED_MS);
    expect(states(0)).toEqual([DOWN, UP]);
  });

  test("go by their own views when nothing fresh is heard", () => {
    const { fleets, turn, states } = cluster(3, 3);
    for (const fleet of fleets.slice(1)) fleet[0].ownVerdict = "down";
    turn(SETTLED_MS);
    expect(states(0)).toEqual([EJECTED, DOWN, DOWN]);
    turn(SETTLED_MS + 100, true);
    expect(states(0)).toEqual([UP, DOWN, DOWN]);
  });

  test("take out no more than may be ejected, and never the last", () => {
    const { fleets, turn } = cluster(3, 6, 50);
    for (const fleet of fleets.slice(1)) for (const server of fleet) server.ownVerdict = "down";
    for (let round = 0; round < 5; round++) turn(SETTLED_MS + round * 100);
    expect(fleets[0].filter(({ state }) => state === EJECTED)).toHaveLength(3);
    const all = cluster(3, 2, 100);
    for (const fleet of all.fleets.slice(1)) for (const server of fleet) server.ownVerdict = "ejected";
    all.turn(SETTLED_MS);
    expect(all.fleets[0].filter(({ state }) => state === UP)).toHaveLength(1);
  });

  test("take out nothing where nothing may be ejected", () => {
    const { fleets, turn, states } = cluster(3, 6, 0);
    for (const fleet of fleets.slice(1)) fleet[0].ownVerdict = "down";
    turn(SETTLED_MS);
    expect(states(0)).toEqual([UP, DOWN, DOWN]);
  });

  test("leave what an operator has taken out alone", () => {
    const { fleets, turn } = cluster(3, 3);
    for (const fleet of fleets.slice(1)) fleet[0].ownVerdict = "down";
    fleets[0][0].withdrawn = true;
    turn(SETTLED_MS);
    expect(fleets[0][0].majority.out).toBe(false);
  });

  test("let a server that came back stay for a while: views at the edge do not make it flap", () => {
    const { fleets, turn, flips } = cluster(3, 3);
    fleets[1][0].ownVerdict = "down";
    const seconds = 60;
    for (let tenth = 0; tenth < seconds * 10; tenth++) {
      fleets[2][0].ownVerdict = tenth % 2 === 0 ? "down" : "up";
      turn(SETTLED_MS + tenth * 100);
    }
    // Out and back at most once in the rest, at each of the three.
    expect(flips()).toBeLessThanOrEqual(3 * 2 * (1 + (seconds * 1000) / REST_MS));
    expect(flips()).toBeGreaterThan(0);
  });

  test("say nothing of a server that has just come to a slot: that may have been another's", () => {
    const { fleets, turn, states } = cluster(3, 3);
    for (const fleet of fleets.slice(1)) fleet[0].ownVerdict = "down";
    turn(900);
    expect(states(0)).toEqual([UP, DOWN, DOWN]);
    turn(1_000);
    expect(states(0)).toEqual([EJECTED, DOWN, DOWN]);
  });
});
