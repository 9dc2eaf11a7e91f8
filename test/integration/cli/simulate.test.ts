import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { StudyResult } from "../../../src/simulator/study.ts";
import { neurabalancer } from "./spawn.ts";

const QUICK = ["--requests", "1000", "--seeds", "2"];
let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "neurabalancer-simulate-"));
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

function simulate(...args: string[]) {
  return neurabalancer(["simulate", ...args, ...QUICK], {}, directory);
}

test("--help teaches: policies, examples, scenarios", () => {
  const { code, stdout } = neurabalancer(["simulate", "--help"]);
  expect(code).toBe(0);
  for (const part of ["Examples:", "Scenarios", "gc-pauses", "--compare", "+weights", "oracle"]) {
    expect(stdout).toContain(part);
  }
});

test("prints tables on standard output and, without a terminal, no progress", () => {
  const { code, stdout, stderr } = simulate("--scenario", "surge,homogeneous");
  expect(code).toBe(0);
  expect(stderr).toBe("");
  expect(stdout).toContain("surge: ");
  expect(stdout).toContain("in each of 2 scenarios");
});

test("--json is the same for the same seed, and --plot writes a picture", () => {
  const args = ["--scenario", "compound", "--balancers", "2", "--json", "--plot", "p.svg"];
  const first = simulate(...args);
  const { scenarios, seeds } = JSON.parse(first.stdout) as StudyResult;
  expect(seeds).toEqual([1, 2]);
  expect(scenarios[0].policies.map(({ policy }) => policy)).toContain("oracle");
  expect(readFileSync(join(directory, "p.svg"), "utf8")).toStartWith("<svg ");
  expect(simulate(...args).stdout).toBe(first.stdout);
  expect(simulate(...args, "--seed", "9").stdout).not.toBe(first.stdout);
});

test("--file runs a scenario of one's own, alone unless others are named", () => {
  writeFileSync(join(directory, "mine.json"), '{"name":"mine","servers":[{"count":3,"workers":2}],"load":0.6}');
  const { code, stdout } = simulate("--file", "mine.json", "--policies", "p2c,oracle");
  expect(code).toBe(0);
  expect(stdout).toContain("mine: ");
  expect(stdout).not.toContain("homogeneous");
});

describe("wrong usage", () => {
  test.each([
    [["--scenario", "nothing"], 'unknown scenario "nothing"'],
    [["--policies", "p3c"], 'unknown policy "p3c"'],
    [["--load", "0"], "from 0.001 to 10"],
    [["--sharing", "now"], "from 1 to"],
    [["--file", "absent.json"], "absent.json"],
    [["--discipline", "lifo"], "fifo, ps"],
  ])("%j: exit 1, and why", (args, message) => {
    const { code, stdout, stderr } = simulate(...args);
    expect(code).toBe(1);
    expect(stdout).toBe("");
    expect(stderr).toContain(message);
  });

  test("each problem of a file is told with the file's name", () => {
    writeFileSync(join(directory, "bad.json"), '{"name":"Bad","servers":[],"load":0.6}');
    const { code, stderr } = simulate("--file", "bad.json");
    expect(code).toBe(1);
    expect(stderr.match(/bad\.json: /g)).toHaveLength(2);
  });
});
