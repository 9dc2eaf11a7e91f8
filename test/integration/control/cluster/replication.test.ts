/** Changes that instances tell each other through a real Redis: what is merged, what is refused, and what becomes of clocks. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RedisClient } from "bun";
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
    nowMs: () => performance.now(),
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
});
