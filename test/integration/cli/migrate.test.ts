import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { openHistoryStore } from "../../../src/storage/open-store.ts";
import { SCHEMA_VERSION } from "../../../src/storage/schema-keeper.ts";
import { MIN_COMPATIBLE } from "../../../src/storage/schema-steps.ts";
import { WIDE_LIMITS } from "../../support/memory-history.ts";
import { event } from "../storage/contract/history/rows.ts";
import { withServer } from "../storage/postgres/fixture.ts";
import { at, openStore, scratch } from "../storage/store-fixture.ts";
import { neurabalancer } from "./spawn.ts";

let directory: ReturnType<typeof scratch>;
const migrate = (...args: string[]) => neurabalancer(["migrate", ...args], { DATA_DIR: directory.path });
const openHistory = () =>
  openHistoryStore(at(directory.path), { nowMs: Date.now, limits: WIDE_LIMITS, lockWaitMs: 0, instance: "one" });

beforeEach(() => {
  directory = scratch();
});

afterEach(() => directory.remove());

/** A store with something in both parts. */
async function leave(): Promise<void> {
  const learning = await openStore(directory.path);
  await learning.setNote("default", "a", 1);
  await learning.close();
  const history = await openHistory();
  history.appendEvents([event(1)]);
  await history.close();
}

describe("migrate", () => {
  test("status: where each part is, what is pending, and of nothing that there is nothing", async () => {
    expect(migrate("status").stdout).toContain("history.db   history   none yet  an instance makes it");
    expect(migrate().stdout).toBe("There is no store yet: an instance makes it when it starts.\n");
    await leave();
    const { code, stdout, stderr } = migrate("status");
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toContain(`This release has schema ${SCHEMA_VERSION}.`);
    expect(stdout).toContain(`history.db   history   ${SCHEMA_VERSION}       nothing`);
    const { version, stores, steps } = JSON.parse(migrate("status", "--json").stdout);
    expect(version).toBe(SCHEMA_VERSION);
    expect(steps.length).toBe(SCHEMA_VERSION);
    expect(stores[1]).toEqual({
      name: join(directory.path, "history.db"),
      parts: ["history"],
      version: SCHEMA_VERSION,
      minCompatible: MIN_COMPATIBLE[SCHEMA_VERSION - 1],
      problem: null,
      pending: [],
    });
  });

  test("goes back only when it is allowed to lose what it says first, and forward again", async () => {
    await leave();
    const refused = migrate("--to", "3");
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain(
      `Going back to schema 3 loses:\n  ${directory.path}/history.db: the whole history`,
    );
    expect(refused.stderr).toContain("nothing was done: --allow-data-loss goes back all the same");
    expect(migrate("status").stdout).toContain(`${SCHEMA_VERSION}       nothing`);
    const back = migrate("--to", "3", "--allow-data-loss");
    expect(back.code).toBe(0);
    expect(back.stdout).toContain(`${directory.path}/learning.db: schema 4 → 3\n`);
    expect(back.stdout).toEndWith("Done: all is at schema 3.\n");
    expect(migrate("status").stdout).toContain("history   3       4, 5\n\n4: what happened: the history\n");
    expect(migrate("--to", "3").stdout).toBe("Nothing to do: all is at schema 3.\n");
    expect(migrate().stdout).toEndWith(`Done: all is at schema ${SCHEMA_VERSION}.\n`);
    const learning = await openStore(directory.path);
    expect(await learning.note("default", "a")).toBe(1);
    await learning.close();
    const history = await openHistory();
    expect(await history.events({ sinceMs: 0, untilMs: 8e15, limit: 9 })).toEqual([]);
    await history.close();
  });

  test("keeps off while an instance uses any of it", async () => {
    await leave();
    const history = await openHistory();
    const { code, stderr } = migrate("--to", "3", "--allow-data-loss");
    expect(code).toBe(1);
    expect(stderr).toMatch(/is in use by another instance \(process \d+, since .*: stop it first\n$/);
    await history.close();
    expect(migrate("status").stdout).not.toContain(" 3 ");
  });

  test("tells what is wrong, with the file or with what was asked", async () => {
    await leave();
    writeFileSync(join(directory.path, "history.db"), "no database at all, certainly not. ".repeat(100));
    const { code, stdout } = migrate("status");
    expect(code).toBe(1);
    expect(stdout).toContain("history.db: it is damaged: it is no SQLite database");
    expect(migrate("--to", "3", "--allow-data-loss").stderr).toContain("it is no SQLite database");
    expect(migrate("--to", "0").stderr).toContain(`Expected a version from 1 to ${SCHEMA_VERSION}.`);
    expect(migrate("--to", "9").code).toBe(1);
  });
});

withServer("migrate, of a database", (server) => {
  test("says that going back before its first version leaves nothing of what was learned either", async () => {
    const where = await (await server()).database();
    const settings = {
      DB_HOST: where.host,
      DB_PORT: String(where.port),
      DB_NAME: where.database,
      DB_USER: where.user,
      DB_PASSWORD: where.password,
    };
    const run = (...args: string[]) => neurabalancer(["migrate", ...args], settings);
    expect(run().stdout).toEndWith(`Done: all is at schema ${SCHEMA_VERSION}.\n`);
    const { code, stderr } = run("--to", "3");
    expect(code).toBe(1);
    expect(stderr).toContain("everything, also all that was learned: a store of this kind begins with schema 4");
    expect(run("--to", "3", "--allow-data-loss").stdout).toEndWith("Done: nothing is left.\n");
    expect(run("status").stdout).toContain("none yet");
  });
});
