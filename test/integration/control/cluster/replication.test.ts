/** Changes that instances tell each other through a real Redis: what is merged, what is refused, and what becomes of clocks. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RedisClient } from "bun";
import { clusterKey } from "../../../../src/cluster/exchange/keys.ts";
import { openRedis } from "../../../../src/cluster/redis/link.ts";
import { ChangeReplication } from "../../../../src/control/cluster/changes/replication.ts";
import type { AuditEntry } from "../../../../src/shared/operations/audit.ts";
import type { Override } from "../../../../src/shared/operations/override.ts";
import { overrideId } from "../../../../src/shared/operations/override-id.ts";
import { openReplicatedStore } from "../../../../src/storage/operations/open.ts";
import { StaleRevisionError } from "../../../../src/storage/operations/store.ts";
import { hasRedis, RedisServer } from "../../../support/databases/redis-server.ts";
import { until } from "../../../support/until.ts";

const directory = mkdtempSync(join(tmpdir(), "nb-replication-"));
let redis: RedisServer;
let db = 0;
let ids = 0;
/** Added to the clock of all. */
const passed = { ms: 0 };
const ends: (() => Promise<void> | void)[] = [];
beforeAll(async () => {
  if (hasRedis) redis = await RedisServer.start();
});
beforeEach(() => {
  db++;
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});
afterAll(async () => {
  await redis?.remove();
  rmSync(directory, { recursive: true, force: true });
});

function weight(server: string, value: number, more: Partial<Override> = {}): Override {
  const of = { kind: "weight", target: { pool: "default", server, address: "" } } as const;
  return {
    ...of,
    id: overrideId(of),
    value,
    configured: 1,
    by: "deploy",
    client: "",
    reason: "",
    atMs: 1_000,
    untilMs: null,
    kept: true,
    ...more,
  } as Override;
}

function entry(target: string): AuditEntry {
  const what = { action: "server.change", target, before: 1, after: 2, reason: "", kept: true };
  return { atMs: 1_000, actor: "deploy", client: "", ...what };
}

/** One that keeps and tells. @param aheadMs of the clock here. */
async function instance({ aheadMs = 0, folder = `${ids}` } = {}) {
  const id = (ids++).toString(16).padStart(16, "0");
  const lines: string[] = [];
  const say = (_: object, text: string) => lines.push(text);
  const wallMs = () => Date.now() + aheadMs;
  const link = openRedis(redis.place({ db }));
  const lost = new Set<string>();
  const never = new Set<string>();
  const nowhere = new Set<string>();
  const replication: ChangeReplication = new ChangeReplication({
    link,
    cluster: "test",
    id,
    operations: () => ({
      look: async () => {},
      notInForce: () => [
        ...[...lost].map((one) => ({ id: one, isLost: true })),
        ...[...never].map((one) => ({ id: one, isLost: false })),
      ],
      endForAll: async (all) => {
        for (const one of all) nowhere.add(one);
      },
    }),
    store: () => store,
    log: { info: say, warn: say, error: say },
    wallMs,
    nowMs: () => performance.now() + passed.ms,
  });
  const store = openReplicatedStore(join(directory, folder), wallMs, {
    id,
    instance: `instance ${id}`,
    refresh: () => replication.refresh(),
    onUntold: () => replication.tell(),
  });
  await store.read();
  replication.start();
  const set = async (overrides: (all: readonly Override[]) => readonly Override[], scope?: "instance") => {
    for (;;) {
      const kept = await store.read();
      try {
        return await store.commit(kept.revision, overrides(kept.overrides), [entry("a server")], scope);
      } catch (error) {
        if (!(error instanceof StaleRevisionError)) throw error;
      }
    }
  };
  const stop = async () => {
    await replication.stop();
    await store.close();
    link.close();
  };
  ends.push(stop);
  const values = async () => {
    const { overrides } = await store.read();
    return Object.fromEntries(
      overrides.map((one) => [(one.target as { readonly server: string }).server, one.value] as const).sort(),
    );
  };
  return { id, store, replication, set, values, lines, lost, never, nowhere, stop };
}

async function client(): Promise<RedisClient> {
  const one = new RedisClient(`redis://${redis.addr}/${db}`);
  await one.connect();
  ends.push(() => one.close());
  return one;
}

const replace =
  (...made: readonly Override[]) =>
  (all: readonly Override[]): readonly Override[] => [
    ...all.filter(({ id }) => !made.some((one) => one.id === id)),
    ...made,
  ];

describe.skipIf(!hasRedis)("changes through Redis", () => {
  test("what was changed while it was away is merged; a flush loses nothing", async () => {
    const [one, two] = [await instance(), await instance()];
    await one.set(replace(weight("a:1", 2), weight("b:1", 2)));
    await until(async () => Object.keys(await two.values()).length === 2);
    await redis.kill();
    await one.set(replace(weight("a:1", 3)));
    await two.set((all) => all.filter(({ id }) => id !== weight("b:1", 2).id));
    await two.set(replace(weight("c:1", 4)));
    expect(await one.values()).toEqual({ "a:1": 3, "b:1": 2 });
    await until(() => one.replication.trouble !== null);
    await redis.start();
    for (const { values } of [one, two])
      await until(async () => Bun.deepEquals(await values(), { "a:1": 3, "c:1": 4 }));
    const asked = await client();
    await asked.send("FLUSHALL", []);
    const three = await instance();
    for (const { values } of [three, one, two]) {
      await until(async () => Bun.deepEquals(await values(), { "a:1": 3, "c:1": 4 }));
    }
    expect(one.lines.filter((line) => line.includes("changes are"))).toHaveLength(2);
  });

  test("a failover that has lost the last changes loses nothing", async () => {
    const [one, two] = [await instance(), await instance()];
    await one.set(replace(weight("a:1", 2)));
    await until(async () => (await two.values())["a:1"] === 2);
    const asked = await client();
    const key = clusterKey("test", "changes");
    await asked.send("COPY", [key, "before"]);
    await one.set(replace(weight("a:1", 3), weight("b:1", 4)));
    await until(async () => (await two.values())["b:1"] === 4);
    await asked.send("RENAME", ["before", key]);
    // Who comes then changes something that nobody else knows.
    const three = await instance();
    expect(await three.values()).toEqual({ "a:1": 2 });
    await three.set(replace(weight("c:1", 5)));
    const all = { "a:1": 3, "b:1": 4, "c:1": 5 };
    for (const { values } of [one, two]) await until(async () => (await values())["c:1"] === 5);
    // What was told last is told again; whoever sees that it is gone has told it before.
    passed.ms += 60_000;
    for (const { values } of [one, two, three]) await until(async () => Bun.deepEquals(await values(), all));
  });

  test("whose clock is a day ahead wins nothing by it, and says that it is", async () => {
    const [one, ahead] = [await instance(), await instance({ aheadMs: 86_400_000 })];
    await ahead.set(replace(weight("a:1", 9)));
    await until(async () => (await one.values())["a:1"] === 9);
    await one.set(replace(weight("a:1", 2)));
    await until(async () => (await ahead.values())["a:1"] === 2);
    await one.set(() => []);
    await until(async () => Object.keys(await ahead.values()).length === 0);
    expect(ahead.lines.some((line) => line.includes("86400 s ahead of"))).toBe(true);
    expect(one.lines).toEqual([]);
  });

  test("who stands still himself while he asks does not go on without the answer", async () => {
    const [one, two] = [await instance(), await instance()];
    await one.set(replace(weight("a:1", 2)));
    await until(() => one.replication.figures.untold === 0);
    const asked = two.replication.refresh();
    await Bun.sleep(0); // it is sent
    Bun.sleepSync(1_000);
    await asked;
    expect(two.replication.figures.taken).toBe(1);
  });

  test("what has an end, ends at each by its own clock, and is nobody's change", async () => {
    const [one, ahead] = [await instance(), await instance({ aheadMs: 86_400_000 })];
    await one.set(replace(weight("a:1", 5, { untilMs: Date.now() + 3_600_000 }), weight("b:1", 2)));
    await until(async () => Object.keys(await ahead.values()).length > 0);
    expect(await ahead.values()).toEqual({ "b:1": 2 });
    // As whoever follows overrides does with one that is over.
    await ahead.set((all) => all.filter(({ untilMs }) => untilMs === null));
    await ahead.set(replace(weight("c:1", 3)));
    await until(async () => (await one.values())["c:1"] === 3);
    expect(await one.values()).toEqual({ "a:1": 5, "b:1": 2, "c:1": 3 });
  });

  test("one of two that change the same at once wins, at both, and after a restart", async () => {
    const [one, two] = [await instance({ folder: "restarted" }), await instance()];
    for (let value = 2; value < 12; value++) {
      await Promise.all([one.set(replace(weight("a:1", value))), two.set(replace(weight("a:1", value + 0.5)))]);
    }
    await until(async () => Bun.deepEquals(await one.values(), await two.values()));
    await one.stop();
    const last = (await two.values())["a:1"] === 7 ? 8 : 7;
    await two.set(replace(weight("a:1", last), weight("b:1", 2)));
    await until(() => two.replication.figures.untold === 0);
    const again = await instance({ folder: "restarted" });
    expect(await again.values()).toEqual({ "a:1": last, "b:1": 2 });
  });

  test("what is of one instance alone is told to nobody, and hides what is of all", async () => {
    const [one, two] = [await instance({ folder: "scoped" }), await instance()];
    await one.set(replace(weight("a:1", 9, { scope: "instance" }), weight("b:1", 2)), "instance");
    await two.set(replace(weight("a:1", 3)));
    await until(async () => (await two.values())["b:1"] === 2);
    await until(() => two.replication.figures.untold === 0);
    expect(await one.values()).toEqual({ "a:1": 9, "b:1": 2 });
    await one.stop();
    const again = await instance({ folder: "scoped" });
    expect(await again.values()).toEqual({ "a:1": 9, "b:1": 2 });
    await again.set((all) => all.filter(({ scope }) => scope === undefined), "instance");
    expect(await again.values()).toEqual({ "a:1": 3, "b:1": 2 });
    expect(await two.values()).toEqual({ "a:1": 3, "b:1": 2 });
    // A change of all that is made there takes its place; one that is made elsewhere does not.
    await again.set(replace(weight("a:1", 9, { scope: "instance" })), "instance");
    await two.set(replace(weight("a:1", 4)));
    await until(() => two.replication.figures.untold === 0);
    expect((await again.values())["a:1"]).toBe(9);
    await again.set(replace(weight("a:1", 8)));
    for (const { values } of [again, two]) await until(async () => (await values())["a:1"] === 8);
  });

  test("more than one answer holds is taken in portions, and both have the same", async () => {
    const [one, two] = [await instance(), await instance()];
    const many = (from: string): Override[] =>
      Array.from({ length: 400 }, (_, index) => weight(`${from}-${index}:1`, 2, { reason: "x".repeat(500) }));
    await redis.kill();
    await one.set(replace(...many("a")));
    await two.set(replace(...many("b")));
    await redis.start();
    for (const { values } of [one, two]) await until(async () => Object.keys(await values()).length === 800);
    const three = await instance();
    await until(async () => Object.keys(await three.values()).length === 800);
  });

  test("what is in force nowhere is said to whom it was once", async () => {
    const all = [await instance(), await instance(), await instance()];
    const [one, two, three] = all;
    const { id } = weight("a:1", 9);
    await one.set(replace(weight("a:1", 9)));
    for (const { values } of [two, three]) await until(async () => (await values())["a:1"] === 9);
    one.lost.add(id);
    three.never.add(id);
    await one.replication.refresh();
    await three.replication.refresh();
    await one.replication.refresh();
    expect(one.nowhere.size).toBe(0); // two has it in force
    two.lost.add(id);
    await until(async () => {
      await Promise.all(all.map(({ replication }) => replication.refresh()));
      return one.nowhere.has(id) && two.nowhere.has(id);
    });
    expect(three.nowhere.size).toBe(0);
  });

  test("one of them is the eldest; when it goes, it is another", async () => {
    const one = await instance();
    await Bun.sleep(2); // of the same millisecond the id decides
    const two = await instance();
    await until(async () => {
      await Promise.all([one, two].map(({ replication }) => replication.refresh()));
      return !two.replication.isEldest;
    });
    expect(one.replication.isEldest).toBe(true);
    await one.stop();
    await until(async () => {
      await two.replication.refresh();
      return two.replication.isEldest;
    });
  });

  test("what is no change of ours is not applied, is counted and said once; what counts stays, and is told again", async () => {
    const one = await instance();
    await one.set(replace(weight("a:1", 4)));
    await until(() => one.replication.figures.untold === 0);
    const asked = await client();
    const key = clusterKey("test", "changes");
    const { id } = weight("a:1", 4);
    const stamp = "000999999999999-000000-00000000000000aa";
    const text = (override: unknown, format = 1): string => JSON.stringify({ format, override, note: null });
    const rubbish: Readonly<Record<string, string>> = {
      [id]: "by hand",
      "no id": `${stamp} 0 1 ${text(null)}`,
      [weight("b:1", 2).id]: `${stamp} 0 1 ${text(weight("b:1", 1e9))}`,
      [weight("c:1", 2).id]: `${stamp} 0 1 ${text(weight("other:1", 2))}`,
      [weight("d:1", 2).id]: `${stamp} 0 1 ${text(weight("d:1", 2), 2)}`,
      [weight("e:1", 2).id]: `999999999999999-000000-00000000000000aa 0 1 ${text(null)}`,
      [weight("f:1", 2).id]: `${stamp} 0 1 ${text({ ...weight("f:1", 2), kind: "unheard_of" })}`,
      [weight("g:1", 2).id]: `${stamp} 0 1 {`,
      [weight("h:1", 2).id]: `${stamp} 0 1 ${text(weight("h:1", 2, { scope: "instance" }))}`,
      [weight("j:1", 2).id]: `253402300799999-999999-00000000000000aa 0 1 ${text(weight("j:1", 2))}`,
      [weight("i:1", 2).id]: `${stamp} 0 1 ${text(weight("i:1", 2, { atMs: 1e300 }))}`,
    };
    for (const [field, value] of Object.entries(rubbish)) await asked.send("HSET", [key, field, value]);
    const two = await instance();
    await until(() => two.replication.figures.refused >= Object.keys(rubbish).length);
    expect(two.replication.figures.refused).toBe(Object.keys(rubbish).length);
    expect(await two.values()).toEqual({});
    expect(two.lines).toHaveLength(Object.keys(rubbish).length);
    expect(two.lines.find((line) => line.includes(weight("d:1", 2).id))).toContain("another version wrote it");
    // Whoever reads all of it anew puts right what it knows.
    await asked.send("HSET", [key, "!epoch", "another"]);
    await until(async () => (await two.values())["a:1"] === 4);
    expect(await one.values()).toEqual({ "a:1": 4 });
  });

  test("a number or a size that nobody can have written is in nobody's way", async () => {
    const [one, two] = [await instance(), await instance()];
    const asked = await client();
    const key = clusterKey("test", "changes");
    let value = 1;
    for (const rubbish of ["nan", "inf", "-1", "1e300", "999999999999999", "by hand"]) {
      await asked.send("HSET", [key, "!revision", rubbish, "!bytes", rubbish]);
      await one.set(replace(weight("a:1", ++value)));
      await until(async () => (await two.values())["a:1"] === value);
      await asked.send("HSET", [key, "!bytes", rubbish]);
      await two.set(replace(weight("a:1", ++value)));
      await until(async () => (await one.values())["a:1"] === value);
    }
    // As much as is no change of ours, and as large, does not have to be read by anybody.
    const script = "redis.call('HSET', KEYS[1], 'large', string.rep('x', 5000000))";
    const many = "for i = 1, 10000 do redis.call('HSET', KEYS[1], string.format('%012x', i), 'by hand') end";
    for (const put of [script, many]) {
      await asked.send("EVAL", [put, "1", key]);
      await one.set(replace(weight("a:1", ++value)));
      await until(async () => (await two.values())["a:1"] === value);
      const three = await instance();
      await until(async () => Bun.deepEquals(await three.values(), { "a:1": value }));
      expect(three.lines).toEqual([]);
    }
    expect([...one.lines, ...two.lines]).toEqual([]);
  });

  test("keys of another kind are said, and nobody's change waits or is lost", async () => {
    const asked = await client();
    const key = clusterKey("test", "changes");
    await asked.send("SET", [key, "by hand"]);
    const one = await instance();
    await one.set(replace(weight("a:1", 4)));
    await until(() => one.replication.trouble !== null);
    expect(one.lines).toHaveLength(1);
    expect(one.lines[0]).toContain("changes are not shared");
    await asked.send("DEL", [key]);
    const two = await instance();
    await until(async () => (await two.values())["a:1"] === 4);
    await until(() => one.replication.trouble === null);
  });

  test("with a database the others are told to look there", async () => {
    const looks = [0, 0];
    const both = looks.map((_, index) => {
      const link = openRedis(redis.place({ db }));
      const replication = new ChangeReplication({
        link,
        cluster: "test",
        id: `000000000000d00${index}`,
        operations: () => ({
          look: async () => {
            looks[index]++;
          },
          notInForce: () => [],
          endForAll: async () => {},
        }),
        store: () => null,
        log: { info: () => {}, warn: () => {}, error: () => {} },
        wallMs: () => Date.now(),
        nowMs: () => performance.now(),
      });
      ends.push(async () => {
        await replication.stop();
        link.close();
      });
      return replication;
    });
    for (const replication of both) {
      await replication.refresh();
      replication.start();
    }
    const before = [...looks];
    both[0].tellOfDatabase();
    await until(() => looks[1] === before[1] + 1);
    await both[0].refresh();
    expect(looks).toEqual([before[0], before[1] + 1]);
  });
});
