import { describe, expect, test } from "bun:test";
import { docstringOffences, lengthOffences, MAX_LINES, nameOffences } from "./shape-rules.ts";
import { readSources, sourceOf } from "./source-tokens.ts";

const SOURCES = readSources("src");
const FOLDERS = ["src", "test", "bench", "scripts"];

describe("files", () => {
  test(`have at most ${MAX_LINES} lines`, () => {
    expect(lengthOffences(SOURCES)).toEqual([]);
    expect(lengthOffences([sourceOf("src/a.ts", "\n".repeat(MAX_LINES))])).toEqual([]);
    expect(lengthOffences([sourceOf("src/a.ts", "\n".repeat(MAX_LINES + 1))])).toHaveLength(1);
  });

  test("have names in kebab case", () => {
    expect(nameOffences(FOLDERS.flatMap(readSources).map(({ path }) => path))).toEqual([]);
    expect(nameOffences(["src/fleet-options.ts", "test/unit/http1/p2c.test.ts"])).toEqual([]);
    const wrong = ["src/fleetOptions.ts", "src/Fleet.ts", "src/fleet_options.ts", "src/-a.ts", "src/My/a.ts"];
    expect(nameOffences(wrong)).toEqual(wrong);
  });
});

describe("docstrings", () => {
  const offences = (path: string, ...lines: string[]) =>
    docstringOffences([sourceOf(path, lines.join("\n"))]).map((offence) => offence.replace(/ has no docstring$/, ""));

  test("every export has one", () => {
    expect(docstringOffences(SOURCES)).toEqual([]);
  });

  test.each([
    "export const a = 1;",
    "export type A = string;",
    "export interface A {}",
    "export class A {}",
    "export abstract class A {}",
    "export function a() {}",
    "export async function a() {}",
    "export function* a() {}",
    "// a remark is none\nexport const a = 1;",
    "/* nor is this */\nexport const a = 1;",
    "/** Of another. */\nconst b = 1;\nexport const a = b;",
  ])("missing: %s", (text) => {
    expect(offences("src/file.ts", text)).toHaveLength(1);
    expect(offences("src/file.ts", text.replace("export", "/** What it is. */ export"))).toEqual([]);
  });

  test("passing on is no export of its own", () => {
    expect(
      offences("src/file.ts", 'export { a } from "./a.ts";', 'export * from "./b.ts";', "export type { C };"),
    ).toEqual([]);
  });

  test("a type beside its constant shares the constant's", () => {
    expect(offences("src/file.ts", "/** Kinds. */", "export const Kind = {};", "", "export type Kind = 1;")).toEqual(
      [],
    );
  });

  test("a block of one-line exports shares one, up to the next blank line", () => {
    const block = ["/** Names. */", "export const a = 1;", "export const b = 2;"];
    expect(offences("src/file.ts", ...block)).toEqual([]);
    expect(offences("src/file.ts", ...block, "", "export const c = 3;")).toEqual(["src/file.ts:5: c"]);
    expect(offences("src/file.ts", "/** F. */", "export function f() {", "}", "export const c = 3;")).toEqual([
      "src/file.ts:4: c",
    ]);
  });

  test("the file's docstring is that of the export that the file is named after", () => {
    const text = ["/** Wakes things. */", 'import "./a.ts";', "export class TimerWheel {}"];
    expect(offences("src/timer-wheel.ts", ...text)).toEqual([]);
    expect(offences("src/fleet-timer-wheel.ts", ...text)).toEqual([]);
    expect(offences("src/wheel.ts", ...text)).toEqual(["src/wheel.ts:3: TimerWheel"]);
  });
});
