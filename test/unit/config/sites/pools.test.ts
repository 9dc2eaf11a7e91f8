/** Pools of the file: what holds for each, where it comes from, and what is said of wrong ones. */
import { afterAll, describe, expect, test } from "bun:test";
import { MAX_POOLS, MAX_SERVERS } from "../../../../src/shared/memory/layout/shared-memory.ts";
import { ConfigFile } from "./fixture.ts";

const file = new ConfigFile();
afterAll(() => file.remove());

const TWO = `timeouts: {connect: 1s}
balancing: {strategy: p2c}
pools:
  shop:
    servers: [http://a:1, {url: http://b:1, weight: 3, capacity: 5, zone: eu, backup: on}]
    timeouts: {connect: 3s}
    health: {statuses: [200, 300-399]}
  api: {servers: [http://b:1]}
routes: [{host: shop.example, pool: shop}, {pool: api}]
`;

const hosts = (count: number) => Array.from({ length: count }, (_, i) => `http://h${i}:1`).join(", ");

describe("precedence", () => {
  test("a pool's own value, then the environment, then the top of the file, then the default", () => {
    const { config } = file.right(TWO, { CONNECT_TIMEOUT_MS: "2000", QUEUE_SIZE: "7" });
    const [shop, api] = config.pools;
    expect([shop.name, api.name]).toEqual(["shop", "api"]);
    expect([shop.timeouts.connectMs, api.timeouts.connectMs, config.timeouts.connectMs]).toEqual([3000, 2000, 2000]);
    expect([shop.queue.size, api.queue.size]).toEqual([7, 7]);
    expect([shop.balancing.strategy, api.balancing.strategy]).toEqual(["p2c", "p2c"]);
    expect(shop.health.statuses).toEqual([
      [200, 200],
      [300, 399],
    ]);
    expect(shop.health.path).toBe("/health");
    expect(file.right(TWO).config.pools[1].timeouts.connectMs).toBe(1000);
  });

  test("servers have what stands beside them, and what the environment says of them in every pool", () => {
    const of = (env: Record<string, string>) => file.right(TWO, env).config.pools.map(({ servers }) => servers.list);
    expect(of({})[0]).toMatchObject([
      { url: "http://a:1", weight: 1, zone: null, backup: false },
      { url: "http://b:1", weight: 3, hardLimit: 5, zone: "eu", backup: true },
    ]);
    const [shop, api] = of({ SERVER_WEIGHT_b_1: "9" });
    expect([shop[0].weight, shop[1].weight, api[0].weight]).toEqual([1, 9, 9]);
    expect(file.problems(TWO, { SERVER_WEIGHT_c_1: "9" })).toEqual([
      "SERVER_WEIGHT_c_1 (environment): names no server of SERVERS; valid here: SERVER_WEIGHT_a_1, SERVER_WEIGHT_b_1",
    ]);
  });

  test("what is in force is told with its place, and secrets are not", () => {
    const text = TWO.replace("{statuses: [200, 300-399]}", '{headers: {Authorization: "Bearer xyzzy"}}');
    const { effective } = file.right(text);
    const own = effective.filter(({ section }) => section === "pools");
    expect(own.map(({ env, value, origin }) => `${env}=${value} ${origin}`)).toEqual([
      "pools=shop, api n.yaml:4:3",
      "pools.shop.servers=http://a:1,http://b:1 n.yaml:5:14",
      "pools.shop.health.headers=**** n.yaml:7:23",
      "pools.shop.timeouts.connect=3000 n.yaml:6:25",
      'pools.shop.servers["http://b:1"].weight=3 n.yaml:5:53',
      'pools.shop.servers["http://b:1"].capacity=5 n.yaml:5:66',
      'pools.shop.servers["http://b:1"].zone=eu n.yaml:5:75',
      'pools.shop.servers["http://b:1"].backup=on n.yaml:5:87',
      "pools.api.servers=http://b:1 n.yaml:8:18",
    ]);
    expect(JSON.stringify(effective)).not.toContain("xyzzy");
  });
});

describe("a value that is empty in a pool", () => {
  const TOP = "upstream: {host: a.example, server_name: tls.example}\nsticky: {cookie: c, keys: [0123456789abcdef]}\n";
  const ROUTE = "routes: [{path: /x, pool: x}, {pool: y}]\n";
  const poolsOf = (own: string, env: Record<string, string> = {}) =>
    file.right(`${TOP}pools: {x: {servers: [http://a:1], ${own}}, y: {servers: [http://b:1]}}\n${ROUTE}`, env);

  test.each(["null", "~", "", '""'])("takes away what the others have: %p", (nothing) => {
    const { config, effective } = poolsOf(`upstream: {host: ${nothing}}, sticky: {cookie: ${nothing}}`, {
      UPSTREAM_SERVER_NAME: "env.example",
    });
    expect(config.pools.map(({ upstream, sticky }) => [upstream.host, upstream.serverName, sticky.cookie])).toEqual([
      [null, "env.example", null],
      ["a.example", "env.example", "c"],
    ]);
    expect(effective.find(({ env }) => env === "pools.x.upstream.host")).toMatchObject({ value: null });
  });

  test("is a list without entries, too", () => {
    const { config } = poolsOf("sticky: {cookie: null, keys: []}");
    expect(config.pools.map(({ sticky }) => sticky.keys?.length ?? null)).toEqual([null, 1]);
  });

  test("says nothing where there is always a value, nor at the top", () => {
    const { config } = file.right(
      `timeouts: {connect: 7s}\nupstream: {host: }\n${TWO.replace(/^.*\n/, "").replace("3s", "null")}`,
      {
        UPSTREAM_HOST: "env.example",
      },
    );
    expect(config.pools.map(({ timeouts, upstream }) => [timeouts.connectMs, upstream.host])).toEqual([
      [7000, "env.example"],
      [7000, "env.example"],
    ]);
  });
});

describe("the pool default", () => {
  test("is what SERVERS make, beside others", () => {
    const { config } = file.right(TWO.replace("{pool: api}", "{pool: default}"), { SERVERS: "http://z:1" });
    expect(config.pools.map(({ name, servers }) => [name, servers.list[0].url])).toEqual([
      ["default", "http://z:1"],
      ["shop", "http://a:1"],
      ["api", "http://b:1"],
    ]);
  });

  test("needs no routes, whoever makes it", () => {
    const { config } = file.right("pools: {default: {servers: [http://a:1]}, b: {servers: [http://b:1]}}");
    expect(config.routes).toMatchObject([{ name: "/*", action: { targets: [{ pool: "default" }] } }]);
  });

  test("is made once", () => {
    expect(file.problems("pools: {default: {servers: [http://a:1]}}", { SERVERS: "http://b:1" })).toEqual([
      "pools.default (n.yaml:1:9): is there already, made by SERVERS (environment): leave one of them out, or give this another name",
    ]);
  });
});

describe("problems", () => {
  const POOL = "servers: [http://a:1]";
  test.each([
    ["pools: {a: {queue: {size: 3}}}", "pools.a (n.yaml:1:12): has no servers: give it a list"],
    ["pools: {a: {servers: [ftp://a]}}", 'pools.a.servers (n.yaml:1:23): entry 1 "ftp://a" has an unknown scheme'],
    [
      `pools: {a: {${POOL}, timeouts: {idle: 3s}}}`,
      "n.yaml:1:47: pools.a.timeouts.idle is the whole instance's: write it at the top of the file, as timeouts.idle",
    ],
    [
      `pools: {a: {${POOL}, app: {port: 3}}}`,
      "n.yaml:1:36: pools.a.app is the whole instance's: write it at the top of the file, as app",
    ],
    [
      `pools: {a: {${POOL}, timeouts: {conect: 3s}}}`,
      'n.yaml:1:47: pools.a.timeouts: "conect" is no setting; did you mean connect?',
    ],
    [`pools: {a: {${POOL}, tmeouts: {}}}`, 'n.yaml:1:36: pools.a: "tmeouts" is no key; did you mean timeouts?'],
    [
      `pools: {a: {${POOL}, timeouts: {connect: 3}}}`,
      "pools.a.timeouts.connect (n.yaml:1:56): has no unit: write 3s or 3ms",
    ],
    [`pools: {a: {${POOL}, ${POOL}}}`, 'pools.a: "servers" is said a second time (first at n.yaml:1:13): remove one'],
    [`pools: {Ä: {${POOL}}}`, 'n.yaml:1:9: pools: "Ä" is no name: it begins with a small letter'],
    [
      `pools: {a: {servers: [{url: http://a:1, backup: on}]}}`,
      "makes every server a backup: of what? Leave one without",
    ],
    [
      `pools: {a: {${POOL}}}`,
      "pools (n.yaml:1:8): have no routes, so nothing goes to them: write which requests go where, as in routes: [{pool: a}], or call one of them default",
    ],
    ["pools: [a]", "n.yaml:1:8: pools must be a mapping of names to values"],
    ["pools:", "pools (n.yaml:1:7): is empty: give it a value, or remove it"],
    [`pools: {a: {${POOL}, sticky: {cookie: c}}}`, "sticky.keys: is required by pools.a.sticky.cookie"],
    [
      `pools: {a: {${POOL}, outlier: {base_ejection: 10m}}}`,
      "pools.a.outlier.base_ejection: is longer than outlier.max_ejection",
    ],
    [
      "pools: {a: {servers: [http://127.0.0.1:8080]}}",
      "pools.a.servers: http://127.0.0.1:8080 is this balancer itself (app.port=8080)",
    ],
    [
      `pools: {${Array.from({ length: MAX_POOLS + 1 }, (_, i) => `p${i}: {${POOL}}`).join(", ")}}`,
      `pools (n.yaml:1:8): has ${MAX_POOLS + 1} entries; the most is ${MAX_POOLS}`,
    ],
    [
      `pools: {a: {servers: [${hosts(MAX_SERVERS)}]}, b: {${POOL}}}`,
      `pools: name ${MAX_SERVERS + 1} servers in all; the most is ${MAX_SERVERS}: leave some out`,
    ],
  ])("%#", (text, problem) => {
    const problems = file.problems(`${text}${text.includes("have no routes") ? "" : "\n"}`);
    expect(problems.some((one) => one.includes(problem))).toBe(true);
  });

  test("a pool that no route uses is warned of", () => {
    const { warnings } = file.right(TWO.replace("{pool: api}", "{respond: {status: 404}}"));
    expect(warnings).toEqual([
      "pools.api (n.yaml:8:3): is used by no route: nothing goes to it until a canary or a split sends it requests",
    ]);
    expect(file.right(TWO, { SERVERS: "http://z:1" }).warnings).toEqual([
      "SERVERS makes the pool default, and no route uses it",
    ]);
  });

  test("what is wrong for the instance is not told again for each pool", () => {
    const text = `outlier: {base_ejection: 10m}\n${TWO}`;
    expect(file.problems(text).filter((one) => one.includes("base_ejection"))).toHaveLength(1);
  });
});
