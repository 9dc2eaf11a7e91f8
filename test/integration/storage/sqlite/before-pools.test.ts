/** A file as it was written before there were pools: all of it is the pool `default`'s. */
import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { openTrainingStore } from "../../../../src/storage/open-store.ts";
import { LEARNING_STEPS } from "../../../../src/storage/sqlite/schema/learning-steps.ts";
import { at, FEATURES, model, openStore, plain, read, sample, samples, scratch, verdict } from "../store-fixture.ts";

/** Version 2 of the schema, with the rows of that time. */
function writeFile(path: string): void {
  const db = new Database(path, { create: true });
  for (const statement of LEARNING_STEPS.slice(0, 2).flatMap(({ up }) => up)) db.run(statement);
  db.run("PRAGMA application_id = 0x4e624c73");
  db.run("PRAGMA user_version = 2");
  db.run("PRAGMA journal_mode = WAL");
  db.run("INSERT INTO feature_lists (id, names, last_sample) VALUES (1, ?, 7)", [JSON.stringify(FEATURES)]);
  for (let n = 0; n < 7; n++) {
    const { serverId, atMs, arm, modelVersion, failed, propensity, latencyMs, meanMs, features } = sample(n);
    db.run("INSERT OR IGNORE INTO servers (name, last_sample) VALUES (?, 7)", [serverId]);
    db.run(
      `INSERT INTO samples (at_ms, server, feature_list, arm, model, failed, propensity, latency_ms, mean_ms, features)
       VALUES (?, (SELECT id FROM servers WHERE name = ?), 1, ?, ?, ?, ?, ?, ?, ?)`,
      [
        atMs,
        serverId,
        arm,
        modelVersion,
        failed ? 1 : 0,
        propensity,
        latencyMs,
        meanMs,
        new Uint8Array(features.buffer),
      ],
    );
  }
  const { files } = model();
  for (const [status, promotion] of [
    ["retired", 1],
    ["champion", 2],
  ] as const) {
    db.run(
      `INSERT INTO models (created_at_ms, origin, parent, status, status_at_ms, promoted_at_ms, promotion, report, scaler,
         features, onnx) VALUES (5000, 'trained', NULL, ?, 6000, 6000, ?, 'null', ?, ?, ?)`,
      [status, promotion, files.scalerJson, files.featuresJson, files.onnx],
    );
  }
  const { atMs, modelVersion, kind, reason, numbers } = verdict(1);
  db.run("INSERT INTO verdicts (at_ms, model, kind, reason, numbers) VALUES (?, ?, ?, ?, ?)", [
    atMs,
    modelVersion,
    kind,
    reason,
    JSON.stringify(numbers),
  ]);
  db.run("INSERT INTO notes (name, value) VALUES ('judge', '{\"a\":1}')");
  db.close();
}

test("is the pool `default`'s from then on, and others have room beside it", async () => {
  const directory = scratch();
  try {
    mkdirSync(directory.path, { recursive: true, mode: 0o700 });
    writeFile(`${directory.path}/learning.db`);
    await expect(openTrainingStore(at(directory.path)).champion("default")).rejects.toMatchObject({
      kind: "older_schema",
    });
    const store = await openStore(directory.path);
    expect((await read(store, { pool: "default" })).rows).toEqual(plain(samples(0, 7)));
    expect(await store.countSamples("default")).toBe(7);
    expect(await store.champion("default")).toMatchObject({ version: 2, pool: "default" });
    expect(await store.previousChampion("default")).toMatchObject({ version: 1, pool: "default" });
    expect(await store.verdicts({ limit: 10 })).toEqual([verdict(1)]);
    expect(await store.note("default", "judge")).toEqual({ a: 1 });

    store.appendSamples([...samples(7, 9), ...samples(0, 3, { pool: "shop" })]);
    await store.flush();
    expect((await read(store, { pool: "default" })).rows).toEqual(plain(samples(0, 9)));
    expect((await read(store, { pool: "shop" })).rows).toEqual(plain(samples(0, 3, { pool: "shop" })));
    expect(await store.insertModel(model({ pool: "shop", status: "champion" }))).toBe(3);
    expect((await store.champion("default"))?.version).toBe(2);
    await store.close();
  } finally {
    directory.remove();
  }
});
