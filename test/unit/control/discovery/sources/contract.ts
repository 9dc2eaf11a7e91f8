/** What discovery relies on in every source, whoever it asks. */
import { expect, test } from "bun:test";
import type { LookupAnswer, SrvAnswer } from "../../../../../src/control/discovery/dns/resolver.ts";
import { NO_KUBERNETES } from "../../../../../src/control/discovery/kubernetes/place.ts";
import type { DiscoverySource, SourceContext, SourceFactory } from "../../../../../src/control/discovery/source.ts";
import type { ServerSpec } from "../../../../../src/shared/server-spec.ts";
import { turn } from "../../../../support/turn.ts";
import { quietLog } from "../../fleet/fixtures.ts";
import { ScriptedSlices } from "./scripted-slices.ts";

/** Everything that sources of ours ask, as the test writes it. */
export class ScriptedWorld {
  nowMs = 0;
  readonly hosts: Record<string, LookupAnswer | undefined> = {};
  readonly srvs: Record<string, SrvAnswer | undefined> = {};
  /** What is drawn at random: pauses are as long as they can be. */
  chance = 1;
  asked = 0;
  settled = 0;
  readonly counts = { resolutions: 0, failures: 0 };
  readonly log = quietLog();
  readonly slices = new ScriptedSlices(() => {
    this.asked++;
    return this.gate;
  });
  readonly #surroundings = { kubernetes: NO_KUBERNETES, zone: null };
  /** Nobody answers before this is resolved. */
  gate: Promise<void> = Promise.resolve();

  readonly context: SourceContext = {
    resolver: {
      lookup: (name) => this.#answer(this.hosts, name),
      srv: (name) => this.#answer(this.srvs, name),
    },
    chooseLoopback: async (addresses) => addresses[0],
    log: this.log,
    nowMs: () => this.nowMs,
    random: () => this.chance,
    dns: () => ({ minTtlMs: 1_000, maxTtlMs: 60_000 }),
    surroundings: () => this.#surroundings,
    counts: this.counts,
    onSettled: () => void this.settled++,
  };

  async #answer<T>(from: Record<string, T | undefined>, name: string): Promise<T> {
    this.asked++;
    await this.gate;
    return from[name] ?? Promise.reject(new Error("ENOTFOUND"));
  }

  async at(source: DiscoverySource, nowMs: number): Promise<void> {
    this.nowMs = nowMs;
    source.tick(nowMs);
    await turn();
  }
}

/** One kind of source, and how the world it asks is moved. */
export interface SourceCase {
  readonly open: (...args: [...Parameters<SourceFactory>, world: ScriptedWorld]) => DiscoverySource;
  /** Of weight 1. */
  readonly spec: ServerSpec;
  /**
   * Makes the world know `address` of it, for three seconds. `null`: there is nothing to ask, the one address it has is
   * always known.
   */
  readonly tell: ((world: ScriptedWorld, address: string) => void) | null;
  /** It is told of what changes, and asks by its clock only after failures. Default: it asks again and again. */
  readonly watches?: boolean;
  /** Makes whoever is asked answer no more. */
  readonly silence: (world: ScriptedWorld) => void;
}

const ADDRESSES = ["10.0.0.1", "10.0.0.2"] as const;

/** Registers the tests of the contract for one kind. */
export function sourceContract({ open, spec, tell, silence, watches = false }: SourceCase): void {
  const make = (): { readonly world: ScriptedWorld; readonly source: DiscoverySource } => {
    const world = new ScriptedWorld();
    tell?.(world, ADDRESSES[0]);
    return { world, source: open(spec, world.context, world) };
  };
  const addresses = ({ servers }: DiscoverySource) => servers.map(({ address }) => address);

  test("it asks nothing by itself; once it was told to, its servers are complete", async () => {
    const { world, source } = make();
    expect(world.asked).toBe(0);
    await source.refresh();
    expect(source.spec).toBe(spec);
    expect(source.degraded).toBe(false);
    expect(addresses(source)).toEqual([ADDRESSES[0]]);
    for (const server of source.servers) {
      expect(server.spec).toBe(spec);
      expect(server.url).toMatch(/^https?:\/\/.+:\d+$/);
      expect(new URL(server.url).protocol).toBe(`${spec.scheme}:`);
      expect(server.hostname).not.toMatch(/\.$|^_/);
      expect(server.port).toBeGreaterThan(0);
      expect(server.weight).toBeGreaterThan(0);
    }
    expect(world.log.lines).toEqual([]);
  });

  test("other numbers keep its addresses and scale their weights", async () => {
    const { source } = make();
    await source.refresh();
    const [{ weight }] = source.servers;
    const heavier = { ...spec, weight: 3 };
    source.respecify(heavier);
    expect(source.spec).toBe(heavier);
    expect(source.servers.map((server) => [server.spec, server.weight])).toEqual([[heavier, 3 * weight]]);
  });

  test("a world that says nothing is no reason to reject, to hurry or to forget", async () => {
    const { world, source } = make();
    await source.refresh();
    silence(world);
    await source.refresh();
    for (const atMs of [10_000, 20_000, 30_000]) await world.at(source, atMs);
    expect(addresses(source)).toEqual([ADDRESSES[0]]);
  });

  test("nothing comes of it once it is closed", async () => {
    const { world, source } = make();
    await source.refresh();
    const { settled } = world;
    const gate = Promise.withResolvers<void>();
    world.gate = gate.promise;
    const asked = source.refresh();
    source.close();
    silence(world);
    gate.resolve();
    await asked;
    expect([world.settled, world.log.lines]).toEqual([settled, []]);
  });

  if (tell === null) return;

  test("who asks while it asks waits for the same answer, which is told of once", async () => {
    const { world, source } = make();
    const gate = Promise.withResolvers<void>();
    world.gate = gate.promise;
    const both = Promise.all([source.refresh(), source.refresh()]);
    source.tick(0);
    gate.resolve();
    await both;
    expect([world.counts.resolutions, world.settled]).toEqual([1, 1]);
  });

  if (watches) {
    test("it takes over what it is told, several changes at once", async () => {
      const { world, source } = make();
      await source.refresh();
      await world.at(source, 1);
      tell(world, "10.0.0.9");
      tell(world, ADDRESSES[1]);
      await turn();
      expect([addresses(source), world.settled]).toEqual([[ADDRESSES[0]], 1]);
      await world.at(source, 2);
      expect([addresses(source), world.settled]).toEqual([[ADDRESSES[1]], 2]);
    });

    test("it goes on after a failure, which is said once and said to be over", async () => {
      const { world, source } = make();
      await source.refresh();
      await world.at(source, 1);
      silence(world);
      await turn();
      for (const atMs of [2_000, 4_000, 8_000, 16_000]) await world.at(source, atMs);
      expect([source.degraded, addresses(source)]).toEqual([true, [ADDRESSES[0]]]);
      expect(world.log.lines).toEqual([expect.stringContaining("the addresses last known stay in use")]);
      tell(world, ADDRESSES[1]);
      await world.at(source, 60_000);
      expect([source.degraded, addresses(source)]).toEqual([false, [ADDRESSES[1]]]);
      expect(world.log.lines.slice(1)).toEqual(["info the API server of Kubernetes answers again"]);
    });
  } else {
    test("it asks again by its own clock, and takes over what is new", async () => {
      const { world, source } = make();
      await source.refresh();
      tell(world, ADDRESSES[1]);
      await world.at(source, 2_999);
      expect(addresses(source)).toEqual([ADDRESSES[0]]);
      await world.at(source, 3_000);
      expect(addresses(source)).toEqual([ADDRESSES[1]]);
      expect([world.counts.resolutions, world.settled]).toEqual([2, 2]);
    });

    test("failures are said once, counted on, and said to be over", async () => {
      const { world, source } = make();
      await source.refresh();
      silence(world);
      for (const atMs of [3_000, 4_000, 6_000]) await world.at(source, atMs);
      expect([source.degraded, world.counts.failures]).toEqual([true, 3]);
      expect(world.log.lines).toEqual([expect.stringContaining("the addresses last known stay in use")]);
      tell(world, ADDRESSES[1]);
      await world.at(source, 10_000);
      expect([source.degraded, addresses(source)]).toEqual([false, [ADDRESSES[1]]]);
      expect(world.log.lines.slice(1)).toEqual(["info name resolves again"]);
    });
  }

  test("nothing known at first is no end: it is tried again, in growing pauses", async () => {
    const { world, source } = make();
    silence(world);
    await source.refresh();
    expect([source.servers, source.degraded]).toEqual([[], true]);
    const tries: number[] = [];
    for (const atMs of [999, 1_000, 2_999, 3_000]) {
      await world.at(source, atMs);
      tries.push(world.counts.resolutions);
    }
    expect(tries).toEqual([1, 2, 2, 3]);
  });

  test("an answer that was asked for under other numbers counts under those of now", async () => {
    const { world, source } = make();
    await source.refresh();
    const [{ weight }] = source.servers;
    const gate = Promise.withResolvers<void>();
    world.gate = gate.promise;
    tell(world, ADDRESSES[1]);
    world.nowMs = 60_000;
    const asked = source.refresh();
    const heavier = { ...spec, weight: 3 };
    source.respecify(heavier);
    gate.resolve();
    await asked;
    expect(source.servers).toMatchObject([{ spec: heavier, address: ADDRESSES[1], weight: 3 * weight }]);
  });
}
