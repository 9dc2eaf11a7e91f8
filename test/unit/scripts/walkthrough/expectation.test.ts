import { describe, expect, test } from "bun:test";
import { Expectation } from "../../../../scripts/walkthrough/expectation.ts";

/** What is wrong with an output; `null` = nothing. */
const problem = (expected: string, output: string): string | null => new Expectation(expected).problemOf(output);

describe("an expectation", () => {
  test("has its words exactly, and what ends the output does not count", () => {
    expect(problem("one (two)", "one (two)\n\n")).toBeNull();
    expect(problem("one (two)", "one (2)")).toBe("line 1 should be\n  one (two)\nand is\n  one (2)");
    expect(problem("", "")).toBeNull();
    expect(problem("", "something")).toContain("should be\n  nothing more");
    expect(problem("one\ntwo", "one")).toContain("line 2 should be\n  two\nand is\n  (nothing: the output ends)");
  });

  test("has marks for what varies", () => {
    expect(problem('{"n":<n>,"at":"<time>"}', '{"n":-1.5e-7,"at":"2026-11-30T20:05:30.155Z"}')).toBeNull();
    expect(problem("at <time>.", "at 2026-11-30 20:05:30.155+00.")).toBeNull();
    expect(problem("<id> <word>: <text>", "4387952e97fb a(b): c d")).toBeNull();
    for (const output of ["438795 a: b", "4387952e97fb a b: c", "4387952e97fb a:"])
      expect(problem("<id> <word>: <text>", output)).not.toBeNull();
    expect(problem("<n>", "many")).not.toBeNull();
  });

  test("has bounds for numbers, which belong to them", () => {
    expect(problem("<2..9> of <-1..1.5>", "2 of 1.5")).toBeNull();
    expect(problem("<2..9> of <-1..1.5>", "9 of -1")).toBeNull();
    for (const output of ["1 of 1", "10 of 1", "2 of 1.6", "2 of none"])
      expect(problem("<2..9> of <-1..1.5>", output)).toContain("should be\n  <2..9> of <-1..1.5>\n");
  });

  test("does not mind how wide tables are", () => {
    expect(problem("  a  |  b\n---+---", "   a |   b\n-----+---------")).toBeNull();
    expect(problem("  a  |  b\n---+---", "a|b\n-----+---------")).not.toBeNull();
    expect(problem("a b", "a  b")).not.toBeNull();
  });

  test("leaves lines out where it says so", () => {
    expect(problem("a\n...\nz", "a\nz")).toBeNull();
    expect(problem("a\n...\nz", "a\nb\nz\nz")).toBeNull();
    expect(problem("...", "")).toBeNull();
    expect(problem("...\nb\n...", "a\nb\nc")).toBeNull();
    expect(problem("...\nz", "a\nb")).toContain("should be\n  z\n");
  });

  test("knows no other marks", () => {
    expect(() => new Expectation("<number>")).toThrow(
      "<number> is no mark: there are <n>, <time>, <id>, <word>, <text>",
    );
  });
});
