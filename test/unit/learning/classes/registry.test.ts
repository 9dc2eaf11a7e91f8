import { describe, expect, test } from "bun:test";
import { seededRandom } from "../../../../src/balancing/random.ts";
import { ClassRegistry, type NamedTemplate } from "../../../../src/learning/classes/registry.ts";
import { CLASSES } from "../../../../src/shared/memory/layout/classes.ts";

const ATTACKER = 4242;

/** A pool's traffic, as workers tell of it. */
class Traffic {
  readonly registry = new ClassRegistry();
  readonly random: () => number;
  nowMs = 0;

  constructor(seed: number) {
    this.random = seededRandom(seed).next;
  }

  /** A request; `client` left out = some one of many. */
  ask(hash: number, { parent = 0, work = 1, client = 1 + ((this.random() * 500) | 0), text = `/t${hash}` } = {}): void {
    this.registry.count(hash, parent, work);
    if (this.registry.numberOf(hash, 0) > 0) return;
    const template: NamedTemplate = { hash, parent, route: 0, method: 1, text, client };
    this.registry.name(template);
  }

  /** One second of traffic. */
  second(requests: number, ask: () => void): void {
    for (let i = 0; i < requests; i++) ask();
    this.nowMs += 1000;
    this.registry.review(this.nowMs);
  }

  /** Hashes of all classes. */
  classes(): number[] {
    return Array.from({ length: CLASSES }, (_, number) => this.registry.at(number)?.hash ?? 0).filter(
      (hash) => hash > 0,
    );
  }

  isClass(hash: number): boolean {
    return this.registry.numberOf(hash, 0) > 0;
  }
}

/** Ten routes, the first asked for most. */
function usual(traffic: Traffic): void {
  traffic.ask(1 + Math.floor(10 * traffic.random() ** 2));
}

describe("which templates are classes", () => {
  test("the frequent ones, by names that are kept", () => {
    const traffic = new Traffic(1);
    for (let s = 0; s < 5; s++) traffic.second(500, () => usual(traffic));
    expect(traffic.classes().sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(traffic.registry.at(traffic.registry.numberOf(3, 0))).toMatchObject({ hash: 3, text: "/t3", method: 1 });
  });

  test("and rare ones that make much work", () => {
    const traffic = new Traffic(2);
    for (let s = 0; s < 20; s++) {
      traffic.second(500, () => {
        const drawn = traffic.random();
        if (drawn < 0.001) traffic.ask(77, { work: 16 });
        else if (drawn < 0.002) traffic.ask(78, { work: 0.1 });
        else usual(traffic);
      });
    }
    expect([traffic.isClass(77), traffic.isClass(78)]).toEqual([true, false]);
  });

  test("neighbours that are many are one class together; one that is frequent by itself is its own", () => {
    const traffic = new Traffic(3);
    let user = 0;
    for (let s = 0; s < 10; s++) {
      traffic.second(300, () => {
        const list = traffic.random() < 0.3;
        traffic.ask(list ? 5 : 10_000 + user++, { parent: 99, text: list ? "/users/all" : `/users/name${user}` });
      });
    }
    const { registry } = traffic;
    expect(registry.at(registry.numberOf(5, 99))?.text).toBe("/users/all");
    expect(registry.at(registry.numberOf(123_456, 99))?.text).toBe("/users/*");
    expect(traffic.classes()).toHaveLength(2);
  });

  test("no more than there is room for, and a heavier one takes the place of the lightest", () => {
    const traffic = new Traffic(4);
    for (let s = 0; s < 40; s++) traffic.second(2000, () => traffic.ask(1 + ((traffic.random() * 150) | 0)));
    const before = traffic.classes();
    expect(before).toHaveLength(CLASSES - 1);
    for (let s = 0; s < 30; s++) {
      traffic.second(2000, () => traffic.ask(traffic.random() < 0.05 ? 999 : 1 + ((traffic.random() * 150) | 0)));
    }
    expect(traffic.isClass(999)).toBe(true);
    // All the others weigh the same: none of them pushes another out.
    expect(before.filter((hash) => !traffic.isClass(hash))).toHaveLength(1);
  });
});

describe("hostile paths", () => {
  test("millions that come once are no classes, push none out, and take no memory", () => {
    const traffic = new Traffic(5);
    for (let s = 0; s < 5; s++) traffic.second(500, () => usual(traffic));
    const before = traffic.classes();
    let unique = 1_000_000;
    for (let s = 0; s < 60; s++) {
      traffic.second(5000, () => {
        if (traffic.random() < 0.02) usual(traffic);
        else traffic.ask(unique++, { parent: unique++, work: 100, client: ATTACKER });
      });
    }
    expect(traffic.classes()).toEqual(before);
  });

  test("a flood that begins before any class is known does not keep real routes from becoming classes", () => {
    const traffic = new Traffic(6);
    let unique = 1_000_000;
    for (let s = 0; s < 60; s++) {
      traffic.second(2000, () => {
        if (traffic.random() < 0.3) usual(traffic);
        else traffic.ask(unique++, { client: ATTACKER });
      });
    }
    for (const hash of [1, 2, 3, 4, 5]) expect(traffic.isClass(hash)).toBe(true);
  });

  test("one client that asks for sixty-four templates again and again pushes nobody's out", () => {
    const traffic = new Traffic(7);
    for (let s = 0; s < 20; s++) traffic.second(2000, () => traffic.ask(1 + ((traffic.random() * 63) | 0)));
    expect(traffic.classes()).toHaveLength(CLASSES - 1);
    const before = traffic.classes();
    for (let s = 0; s < 60; s++) {
      traffic.second(10_000, () => {
        if (traffic.random() < 0.1) traffic.ask(1 + ((traffic.random() * 63) | 0));
        else traffic.ask(5000 + ((traffic.random() * 64) | 0), { work: 16, client: ATTACKER });
      });
    }
    expect(traffic.classes()).toEqual(before);
  });

  test("and if it came first, what everybody asks for takes its places", () => {
    const traffic = new Traffic(8);
    const attack = () => traffic.ask(5000 + ((traffic.random() * 64) | 0), { work: 3, client: ATTACKER });
    for (let s = 0; s < 20; s++) traffic.second(3000, attack);
    expect(traffic.classes()).toHaveLength(CLASSES - 1);
    for (let s = 0; s < 60; s++) traffic.second(4000, () => (traffic.random() < 0.25 ? usual(traffic) : attack()));
    for (const hash of [1, 2, 3, 4, 5]) expect(traffic.isClass(hash)).toBe(true);
  });

  test("behind another proxy, where all come from one address, classes are learned as ever", () => {
    const traffic = new Traffic(9);
    for (let s = 0; s < 10; s++)
      traffic.second(500, () => traffic.ask(1 + ((traffic.random() * 20) | 0), { client: 1 }));
    expect(traffic.classes()).toHaveLength(20);
  });

  test("names are kept of what is counted alone, however many are told", () => {
    const { registry } = new Traffic(10);
    const template = { parent: 0, route: 0, method: 1, text: "/x", client: 1 };
    for (let hash = 1; hash <= 100_000; hash++) registry.name({ ...template, hash });
    registry.review(1000);
    expect(registry.numberOf(1, 0)).toBe(0);
  });
});
