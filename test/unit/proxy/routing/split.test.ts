/** Routes with several pools: who gets which share, and who always goes to the same. */
import { describe, expect, test } from "bun:test";
import type { ServerPool } from "../../../../src/proxy/pool/server-pool.ts";
import { Peer } from "../../../../src/proxy/rewrite/request.ts";
import { TrustedProxies } from "../../../../src/proxy/rewrite/trusted-proxies.ts";
import { WorkerRoute } from "../../../../src/proxy/routing/worker-route.ts";
import { TEST_SETTINGS } from "../../../support/proxy-settings.ts";
import { request } from "../support.ts";

const NOBODY = new TrustedProxies([]);
const PEER = new Peer("203.0.113.7", false, NOBODY);

type Shares = readonly (readonly [pool: string, weight: number])[];

function route(
  shares: Shares,
  splitBy: string | null = null,
  random: () => number = Math.random,
  sticky: string[] = [],
) {
  const pool = (name: string) => ({
    settings: { name, upstreamHost: null, request: { maxBodyBytes: 7, retryAttempts: 1 } },
    stickyCookie: sticky.includes(name) ? { find: () => ({}) } : null,
    classifier: null,
  });
  const [spec] = TEST_SETTINGS.routes;
  const targets = shares.map(([name, weight]) => ({ pool: name, weight }));
  const parts = {
    pools: { get: (name: string) => pool(name) as unknown as ServerPool },
    settings: TEST_SETTINGS.request,
    trustedProxies: NOBODY,
    random,
    mirrorRows: undefined,
    durationPlaces: { of: () => ({}) },
    rateLimits: { appliedTo: () => null },
  };
  const whole = { ...spec, settings: { retryAttempts: 9 }, action: { kind: "forward", targets, splitBy } } as const;
  return new WorkerRoute(whole, null, parts as unknown as ConstructorParameters<typeof WorkerRoute>[2]);
}

function goes(to: WorkerRoute, fields = ""): string | undefined {
  const { buf, head } = request(`GET / HTTP/1.1\r\nHost: a\r\n${fields}\r\n`);
  return to.target(buf, head, PEER).pool?.settings.name;
}

/** Where users 0 … `count`-1 go. */
function placement(to: WorkerRoute, count: number): (string | undefined)[] {
  return Array.from({ length: count }, (_, user) => goes(to, `X-User: user-${user}\r\n`));
}

test("each pool gets its share", () => {
  let draw = 0;
  const to = route(
    [
      ["a", 90],
      ["b", 9],
      ["c", 1],
    ],
    null,
    () => (draw++ % 1000) / 1000,
  );
  const all = placement(to, 1000);
  expect(["a", "b", "c"].map((pool) => all.filter((each) => each === pool).length)).toEqual([900, 90, 10]);
});

test("a pool of weight 0 gets nothing, and a single pool everything", () => {
  expect(
    new Set(
      placement(
        route([
          ["a", 0],
          ["b", 1],
          ["c", 0],
        ]),
        100,
      ),
    ),
  ).toEqual(new Set(["b"]));
});

test("the route's values stand over the pool's", () => {
  const { buf, head } = request("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  expect(route([["a", 1]]).target(buf, head, PEER).settings).toMatchObject({ maxBodyBytes: 7, retryAttempts: 9 });
});

describe("split by what tells clients apart", () => {
  const even: Shares = [
    ["a", 50],
    ["b", 50],
  ];
  const by = "header:x-user";

  test("the same client goes to the same pool, whatever chance says, and in every worker", () => {
    const first = placement(
      route(even, by, () => 0),
      200,
    );
    expect(
      placement(
        route(even, by, () => 0.99),
        200,
      ),
    ).toEqual(first);
    const share = first.filter((pool) => pool === "a").length;
    expect(share).toBeGreaterThan(70);
    expect(share).toBeLessThan(130);
  });

  test("when shares change, only those move that have to", () => {
    const before = placement(
      route(
        [
          ["a", 90],
          ["b", 10],
        ],
        by,
      ),
      1000,
    );
    const after = placement(
      route(
        [
          ["a", 70],
          ["b", 30],
        ],
        by,
      ),
      1000,
    );
    expect(before.filter((pool, user) => pool === "b" && after[user] !== "b")).toEqual([]);
    const moved = before.filter((pool, user) => pool !== after[user]).length;
    expect(moved).toBeGreaterThan(140);
    expect(moved).toBeLessThan(260);
  });

  test("clients without it are told apart by their address", () => {
    const to = route(even, by);
    expect(new Set(Array.from({ length: 20 }, () => goes(to))).size).toBe(1);
  });
});

test("a client that sticks to a server goes to the pool that has it", () => {
  const shares: Shares = [
    ["a", 99],
    ["b", 1],
  ];
  expect(
    new Set(
      placement(
        route(shares, null, () => 0, ["b"]),
        10,
      ),
    ),
  ).toEqual(new Set(["b"]));
  // What is said of the client itself counts for more.
  expect(
    new Set(
      placement(
        route([["a", 1]], "header:x-user", () => 0, ["b"]),
        10,
      ),
    ),
  ).toEqual(new Set(["a"]));
});
