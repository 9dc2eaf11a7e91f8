import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseScenarioFile } from "../../../src/simulator/scenario-file.ts";
import { run } from "./support.ts";

const LEAST = { name: "mine", servers: [{ count: 3, workers: 4 }], load: 0.5 };
const parse = (file: unknown) => parseScenarioFile(JSON.stringify(file));

test("little has to be said", () => {
  const scenario = parse(LEAST);
  expect(scenario).toMatchObject({ name: "mine", meanMs: 20, balancers: 1, sharing: "own", disturbances: [] });
  expect(scenario.servers).toEqual(Array.from({ length: 3 }, () => ({ workers: 4, speed: 1, discipline: "fifo" })));
  expect(run(scenario, "p2c", 500).requests).toBe(500);
});

test("disturbances get their servers and their end", () => {
  const effect = { kind: "slow", factor: 2 };
  const { disturbances } = parse({ ...LEAST, disturbances: [{ effect }, { effect, servers: [1], durationMs: 5 }] });
  expect(disturbances[0]).toMatchObject({ servers: [0, 1, 2], durationMs: Number.POSITIVE_INFINITY, everyMs: null });
  expect(disturbances[1]).toMatchObject({ servers: [1], durationMs: 5 });
});

test("the example of the documentation is valid, and can be run", () => {
  const text = readFileSync(join(import.meta.dir, "../../../docs/simulator.md"), "utf8");
  const [, example] = /```json\n(.*?)```/s.exec(text)!;
  expect(run(parseScenarioFile(example), "adaptive", 500).requests).toBe(500);
});

describe("what is wrong is named", () => {
  const pause = { effect: { kind: "pause" } };
  test.each<[string, unknown, RegExp]>([
    ["a built-in name", { ...LEAST, name: "surge" }, /^name: is the name of a built-in scenario$/],
    ["an unknown key", { ...LEAST, lode: 1 }, /lode/],
    ["next to no load", { ...LEAST, load: 5e-324 }, /^load: /],
    ["next to no work", { ...LEAST, meanMs: 1e-300 }, /^meanMs: /],
    ["a speed of nearly nothing", { ...LEAST, servers: [{ workers: 1, speed: 5e-324 }] }, /^servers\.0\.speed: /],
    ["rounds without a pause", { ...LEAST, disturbances: [{ ...pause, durationMs: 0, everyMs: 1e-300 }] }, /everyMs/],
    ["no load", { ...LEAST, load: undefined }, /^load: /],
    [
      "too many servers",
      {
        ...LEAST,
        servers: [
          { count: 2040, workers: 1 },
          { count: 13, workers: 1 },
        ],
      },
      /at most 2048/,
    ],
    [
      "an endless pause",
      { ...LEAST, disturbances: [pause] },
      /^disturbances\.0\.durationMs: must be given for a pause/,
    ],
    [
      "a round shorter than its length",
      { ...LEAST, disturbances: [{ ...pause, durationMs: 9, everyMs: 9 }] },
      /everyMs/,
    ],
    ["random without a mean", { ...LEAST, disturbances: [{ effect: { kind: "down" }, random: true }] }, /durationMs/],
    ["a server that is not", { ...LEAST, disturbances: [{ ...pause, durationMs: 1, servers: [3] }] }, /no server 3$/],
    ["a share above 1", { ...LEAST, disturbances: [{ effect: { kind: "errors", share: 2 } }] }, /share/],
    ["an unknown distribution", { ...LEAST, service: { kind: "normal" } }, /^service/],
    ["alpha of 1", { ...LEAST, service: { kind: "pareto", alpha: 1, ratio: 10 } }, /^service\.alpha: must not be 1$/],
  ])("%s", (_, file, message) => {
    expect(() => parse(file)).toThrow(message);
  });

  test("all at once", () => {
    expect(() => parse({ ...LEAST, load: -1, balancers: 0 })).toThrow(/load: .*\nbalancers: /);
  });

  test("no JSON at all", () => {
    expect(() => parseScenarioFile("name: mine")).toThrow(/^is not JSON: /);
  });
});
