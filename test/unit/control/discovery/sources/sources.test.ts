import { describe, expect, test } from "bun:test";
import { SERVER_SCHEMES } from "../../../../../src/config/servers/schemes.ts";
import { kubernetesSource } from "../../../../../src/control/discovery/sources/kubernetes.ts";
import { SOURCES } from "../../../../../src/control/discovery/sources/registry.ts";
import { configOf } from "../../../../support/configuration.ts";
import { host, srvSpec } from "../../fleet/fixtures.ts";
import { ScriptedWorld, type SourceCase, sourceContract } from "./contract.ts";

const known = (address: string) => ({ addresses: [address], ttlSeconds: 3 });

/** The world that each is tried in. A source that asks anything else than names is opened with a stand-in for that. */
const CASES: Record<keyof typeof SOURCES, Omit<SourceCase, "open"> & Partial<SourceCase>> = {
  static: { spec: host("10.0.0.1", 80), tell: null, silence: () => {} },
  names: {
    spec: host("app.test.", 80),
    tell: (world, address) => {
      world.hosts["app.test."] = known(address);
    },
    silence: (world) => {
      world.hosts["app.test."] = undefined;
    },
  },
  srv: {
    spec: srvSpec("_http._tcp.shop.test."),
    tell: (world: ScriptedWorld, address) => {
      const records = [{ name: "a.test.", port: 8080, priority: 0, weight: 2 }];
      world.srvs["_http._tcp.shop.test"] = { records, ttlSeconds: 3 };
      world.hosts["a.test."] = known(address);
    },
    silence: (world) => {
      world.srvs["_http._tcp.shop.test"] = undefined;
      world.hosts["a.test."] = undefined;
    },
  },
  kubernetes: {
    spec: { ...host("web.shop.svc", 0), url: "k8s://shop/web:http", source: "kubernetes" },
    open: (spec, context, world) => kubernetesSource(spec, context, world.slices),
    tell: (world, address) => world.slices.tell(address),
    silence: (world) => world.slices.silence(),
    watches: true,
  },
};

for (const [kind, open] of Object.entries(SOURCES)) {
  describe(`the source ${kind}`, () => sourceContract({ open, ...CASES[kind as keyof typeof SOURCES] }));
}

test.each(Object.keys(SERVER_SCHEMES))("what is written with %s:// has a source", (scheme) => {
  const named = scheme.startsWith("k8s") ? "shop/web" : "app.example";
  const [{ source }] = configOf({ SERVERS: `${scheme}://${named}` }).servers.list;
  expect(Object.keys(SOURCES)).toContain(source);
});

test("after a failure each instance asks the API server again at a moment of its own", async () => {
  const world = new ScriptedWorld();
  world.chance = 0;
  const source = kubernetesSource(CASES.kubernetes.spec, world.context, world.slices);
  await source.refresh();
  const tries: number[] = [];
  for (const atMs of [499, 500, 1_499, 1_500]) {
    await world.at(source, atMs);
    tries.push(world.counts.resolutions);
  }
  expect(tries).toEqual([1, 2, 2, 3]);
});

test("while the API server is gone for an hour the fleet stays as it was, and it is asked twice a minute", async () => {
  const world = new ScriptedWorld();
  const source = kubernetesSource(CASES.kubernetes.spec, world.context, world.slices);
  world.slices.tell("10.0.0.1");
  await source.refresh();
  await world.at(source, 1);
  world.slices.silence();
  for (let second = 1; second <= 3600; second++) await world.at(source, second * 1000);
  expect(source.servers.map(({ address }) => address)).toEqual(["10.0.0.1"]);
  expect(source.degraded).toBe(true);
  expect(world.log.lines).toEqual([expect.stringContaining("the addresses last known stay in use")]);
  // The first pauses are shorter.
  expect(world.counts.failures).toBeWithin(120, 130);
});
