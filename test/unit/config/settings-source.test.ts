/** The contract of sources of settings, over each of them, and how several are read together. */
import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { envFileSource } from "../../../src/config/sources/env-file.ts";
import { environmentSource } from "../../../src/config/sources/environment.ts";
import { readSources, type SettingsSource } from "../../../src/config/sources/source.ts";
import { yamlFileSource } from "../../../src/config/sources/yaml/source.ts";
import { yamlOf } from "../../support/settings-file.ts";

const directory = mkdtempSync(join(tmpdir(), "neurabalancer-sources-"));
const path = join(directory, ".env");
const yamlPath = join(directory, "neurabalancer.yaml");
afterAll(() => rmSync(directory, { recursive: true, force: true }));

type Values = Readonly<Record<string, string>>;

const env: Record<string, string> = {};

/** Each source, and how it comes to hold something. */
const SOURCES: Readonly<Record<string, { readonly source: SettingsSource; readonly hold: (values: Values) => void }>> =
  {
    environment: {
      source: environmentSource(env),
      hold: (values) => {
        for (const name of Object.keys(env)) delete env[name];
        Object.assign(env, values);
      },
    },
    "env file": {
      source: envFileSource(path),
      hold: (values) =>
        writeFileSync(
          path,
          Object.entries(values)
            .map((pair) => `${pair.join("=")}\n`)
            .join(""),
        ),
    },
    "configuration file": {
      source: yamlFileSource(yamlPath, () => undefined),
      hold: (values) => writeFileSync(yamlPath, yamlOf(values)),
    },
  };

describe.each(Object.entries(SOURCES))("%s", (_, { source, hold }) => {
  const names = () => source.read().variables.map(({ name }) => name);

  test("gives each value with the place where it stands", () => {
    hold({ APP_PORT: "9000", WORKERS: "3" });
    const { variables, problems } = source.read();
    expect(problems).toEqual([]);
    expect(variables.map(({ name, value }) => [name, value])).toEqual([
      ["APP_PORT", "9000"],
      ["WORKERS", "3"],
    ]);
    for (const { origin } of variables) expect(origin).not.toBe("");
    expect(source.name).not.toBe("");
  });

  test("takes an empty value for none", () => {
    hold({ APP_PORT: "", WORKERS: "   ", LOG_LEVEL: "info" });
    expect(names()).toEqual(["LOG_LEVEL"]);
  });

  test("is read as it is now", () => {
    hold({ APP_PORT: "9000" });
    expect(names()).toEqual(["APP_PORT"]);
    hold({ WORKERS: "1" });
    expect(names()).toEqual(["WORKERS"]);
  });
});

describe("several sources", () => {
  const holding = (name: string, values: Values, problem?: string): SettingsSource => ({
    name,
    read: () => ({
      variables: Object.entries(values).map(([key, value]) => ({ name: key, value, origin: name, inFile: false })),
      problems: problem === undefined ? [] : [problem],
    }),
  });

  test("the first that has a setting wins, whatever the others say", () => {
    const { variables, sources } = readSources([
      holding("first", { A: "1" }),
      holding("second", { A: "2", B: "2" }),
      holding("third", { A: "3", B: "3", C: "3" }),
    ]);
    expect(Array.from(variables.values(), ({ name, value, origin }) => `${name}=${value} ${origin}`).sort()).toEqual([
      "A=1 first",
      "B=2 second",
      "C=3 third",
    ]);
    expect(sources).toEqual(["first", "second", "third"]);
  });

  test("what is wrong with any of them is told", () => {
    expect(readSources([holding("first", {}, "one"), holding("second", {}, "two")]).problems.toSorted()).toEqual([
      "one",
      "two",
    ]);
  });
});
