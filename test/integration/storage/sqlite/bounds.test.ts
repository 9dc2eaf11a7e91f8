/** The file's size, and what is in it beside what readers see. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { statSync } from "node:fs";
import type { LearningStore } from "../../../../src/storage/learning-store.ts";
import { openStore, POOL, plain, read, sample, samples, scratch } from "../store-fixture.ts";

let directory: ReturnType<typeof scratch>;
let store: LearningStore;

beforeEach(async () => {
  directory = scratch();
  store = await openStore(directory.path);
});

afterEach(async () => {
  await store.close();
  directory.remove();
});

describe("bounds", () => {
  const size = () => statSync(`${directory.path}/learning.db`).size;
  const walSize = () => statSync(`${directory.path}/learning.db-wal`).size;

  test("the oldest go beyond maxSamples, with the servers that only they name", async () => {
    await store.close();
    store = await openStore(directory.path, { limits: { maxSamples: 4_000 } });
    store.appendSamples(samples(0, 1_000, { serverId: "http://gone:80 10.0.0.9" }));
    await store.flush();
    for (let n = 1_000; n < 12_000; n += 1_000) {
      store.appendSamples(samples(n, n + 1_000));
      await store.flush();
      expect(await store.countSamples(POOL)).toBeLessThanOrEqual(4_000);
    }
    expect((await read(store)).rows).toEqual(plain(samples(8_000, 12_000)));
    const { Database } = await import("bun:sqlite");
    const db = new Database(`${directory.path}/learning.db`, { readonly: true });
    expect(db.query("SELECT count(*) AS n FROM sample_servers").get()).toEqual({ n: 3 });
    db.close();
  });

  test("the file stays within maxBytes, whatever maxSamples says", async () => {
    await store.close();
    const maxBytes = 1024 * 1024;
    store = await openStore(directory.path, { limits: { maxBytes } });
    for (let n = 0; n < 40_000; n += 1_000) {
      store.appendSamples(samples(n, n + 1_000));
      await store.flush();
      expect(size()).toBeLessThanOrEqual(maxBytes);
      expect(walSize()).toBeLessThanOrEqual(8 * 1024 * 1024);
    }
    const count = await store.countSamples(POOL);
    expect(count).toBeGreaterThan(5_000);
    expect((await read(store, { limit: 5_000 })).rows).toEqual(plain(samples(35_000, 40_000)));
  });

  test("a limit that was lowered is reached in small steps, and the file gets smaller", async () => {
    for (let n = 0; n < 20_000; n += 1_000) {
      store.appendSamples(samples(n, n + 1_000));
      await store.flush();
    }
    await store.close();
    const before = size();
    store = await openStore(directory.path, { limits: { maxSamples: 2_000, maxBytes: 1024 * 1024 } });
    const counts: number[] = [];
    for (let n = 20_000; n < 20_020; n++) {
      store.appendSamples([sample(n)]);
      await store.flush();
      counts.push(await store.countSamples(POOL));
    }
    expect(counts[0]).toBeGreaterThanOrEqual(16_001);
    expect(counts.at(-1)).toBe(2_000);
    await store.close();
    expect(size()).toBeLessThan(before / 4);
  });
});
