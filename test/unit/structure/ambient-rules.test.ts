import { describe, expect, test } from "bun:test";
import { ambientOffences, ambientUses, staleExceptions } from "./ambient-rules.ts";
import { readSources, sourceOf } from "./source-tokens.ts";

const SOURCES = readSources("src");

describe("clock, randomness and environment", () => {
  test("are ambient in composition roots only", () => {
    expect(ambientOffences(SOURCES)).toEqual([]);
  });

  test("no file is excused for what it does not do", () => {
    expect(staleExceptions(SOURCES)).toEqual([]);
  });

  test.each([
    ["Date.now()", "clock"],
    ["const now = Date.now;", "clock"],
    ["new Date()", "clock"],
    ["new Date", "clock"],
    ["performance.now()", "clock"],
    ["globalThis.performance.now()", "clock"],
    ["const { now } = performance;", "clock"],
    ["Bun.nanoseconds()", "clock"],
    ["process.hrtime.bigint()", "clock"],
    ["Math.random()", "randomness"],
    ["pick(Math.random)", "randomness"],
    ["crypto.getRandomValues(bytes)", "randomness"],
    ["crypto.randomUUID()", "randomness"],
    ['import { randomBytes } from "node:crypto";', "randomness"],
    ["process.env.HOME", "environment"],
    ["known ? process.env : {}", "environment"],
    ['process["env"]', "environment"],
    ["const { env } = process;", "environment"],
    ["const { env, stdout } = process;", "environment"],
    ["Bun.env.HOME", "environment"],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is a template of the code under test
    ["`${process.env.HOME}`", "environment"],
    ['option.env("NAME")', "environment"],
  ])("%s is found", (text, kind) => {
    expect(ambientUses(sourceOf("src/a.ts", text)).map((use) => use.kind)).toEqual([kind as never]);
  });

  test.each([
    "// Date.now()",
    '"Date.now()"',
    "/Math.random/",
    "new Date(wallMs)",
    "clock.now()",
    "const { now } = ctx;",
    "setting.env",
    "this.performance.now()",
    "process.exit(1)",
  ])("%s is none", (text) => {
    expect(ambientUses(sourceOf("src/a.ts", text))).toEqual([]);
  });

  test("an excuse covers one kind, and is an offence when nothing needs it", () => {
    const file = sourceOf("src/root.ts", "Date.now();\nMath.random();");
    const roots = { "src/root.ts": { may: ["clock", "environment"] as const, why: "a fixture" } };
    expect(ambientOffences([file], roots)).toEqual(["src/root.ts:2: Math.random (randomness): take it as a parameter"]);
    expect(staleExceptions([file], roots)).toEqual(["src/root.ts environment"]);
  });
});
