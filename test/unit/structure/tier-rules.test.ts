import { describe, expect, test } from "bun:test";
import { readSources, sourceOf } from "./source-tokens.ts";
import { homeless, processOffences, unitOffences } from "./tier-rules.ts";

const TESTS = readSources("test");

describe("tiers of tests", () => {
  test("every test is in one", () => {
    expect(homeless(TESTS.map(({ path }) => path))).toEqual([]);
    expect(homeless(["test/unit/a.test.ts", "test/a.test.ts", "test/unity/a.test.ts", "test/support/a.ts"])).toEqual([
      "test/a.test.ts",
      "test/unity/a.test.ts",
    ]);
  });

  test("unit tests start nothing and wait for nothing", () => {
    expect(unitOffences(TESTS)).toEqual([]);
  });

  test("processes are started in one place", () => {
    expect(processOffences(TESTS)).toEqual([]);
  });

  test.each([
    "await Bun.sleep(1);",
    "setTimeout(done, 5);",
    "Bun.serve({ fetch });",
    'Bun.spawn(["true"]);',
    "await Bun.$`true`;",
    'import { createServer } from "node:net";',
    'import { Worker } from "node:worker_threads";',
    'import { execFileSync } from "node:child_process";',
    'import { spawn } from "../../support/processes.ts";',
    'import { ProductProcess } from "../../support/product-process.ts";',
    'import { Product } from "../../drill/fixture.ts";',
  ])("%s is not for a unit test", (text) => {
    expect(unitOffences([sourceOf("test/unit/a/a.test.ts", text)])).toHaveLength(1);
    expect(unitOffences([sourceOf("test/integration/a/a.test.ts", text)])).toEqual([]);
  });

  test.each(["// Bun.sleep(1)", '"setTimeout(1)"', "clock.setTimeout(1)", "await turn();", "const setTimeout = 1;"])(
    "%s is",
    (text) => {
      expect(unitOffences([sourceOf("test/unit/a/a.test.ts", text)])).toEqual([]);
    },
  );

  test.each(['Bun.spawn(["true"]);', 'Bun.spawnSync(["true"]);', 'import { fork } from "node:child_process";'])(
    "%s starts a process elsewhere",
    (text) => {
      expect(processOffences([sourceOf("test/drill/a.test.ts", text)])).toHaveLength(1);
    },
  );
});
