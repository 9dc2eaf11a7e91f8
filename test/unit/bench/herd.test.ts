import { describe, expect, test } from "bun:test";
import { HELP, type Options, parseOptions } from "../../../bench/herd/options.ts";

const parse = (...args: string[]): Options => parseOptions(args) as Options;

describe("options of the herd test", () => {
  test("as the issue has it, unless something else is said", () => {
    expect(parse()).toMatchObject({
      strategies: ["least_connections", "ml"],
      arrangements: ["one", "apart", "shared"],
      instances: 8,
      servers: 10,
      rounds: 5,
    });
    expect(parseOptions(["--help"])).toBe(HELP);
  });

  test("one balancer is always there: the others are measured by it", () => {
    expect(parse("--arrangements", "shared").arrangements).toEqual(["one", "shared"]);
  });

  test.each([
    [["--strategies", "fastest"], "--strategies: no fastest; there are "],
    [["--arrangements", "together"], "--arrangements: no together; there are one, apart, shared"],
    [["--scenario", "rain"], "--scenario: no rain; there are homogeneous"],
    [["--instances", "1"], '--instances is a number from 2 to 32, not "1"'],
    [["--rounds", "1.5"], '--rounds is a whole number, not "1.5"'],
  ])("%p is refused with what would be right", (args, message) => {
    expect(() => parseOptions(args)).toThrow(message);
  });
});
