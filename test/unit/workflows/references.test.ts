/** What the workflows name is there: scripts, files, commands of npm and of the Taskfile, jobs. */
import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { ROOT, stepsOf, workflows } from "../../support/github/workflows.ts";

const ALL = workflows();
const STEPS = stepsOf(ALL);
const { scripts, engines } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
const TASKFILE = join(ROOT, "Taskfile.yml");

/** `where: name` of every match of `pattern` in what steps run. */
function ran(pattern: RegExp): { readonly where: string; readonly name: string }[] {
  return STEPS.flatMap(({ where, step }) =>
    [...(step.run ?? "").matchAll(pattern)].map((match) => ({ where, name: match[1] })),
  );
}

describe("what a step runs", () => {
  test("scripts of npm are in package.json", () => {
    const named = ran(/\bnpm run (?:--silent )?([\w:-]+)/g);
    expect(named.length).toBeGreaterThan(2);
    expect(named.filter(({ name }) => !(name in scripts))).toEqual([]);
  });

  test("tasks are in the Taskfile", () => {
    const tasks = existsSync(TASKFILE) ? Object.keys(parse(readFileSync(TASKFILE, "utf8")).tasks) : [];
    expect(ran(/(?:^|\s)task ([a-z][\w:-]*)/gm).filter(({ name }) => !tasks.includes(name))).toEqual([]);
  });

  test("files of the repository are there", () => {
    const named = ran(/(?<![\w./-])((?:\.ci|\.github|configs|deployments|docs|ml|models|scripts|test)\/[\w./-]*\w)/g);
    expect(named.some(({ name }) => name === ".ci/run")).toBe(true);
    expect(named.filter(({ name }) => !existsSync(join(ROOT, name)))).toEqual([]);
  });

  test("and so are those that actions are given", () => {
    const named = STEPS.flatMap(({ where, step }) =>
      Object.values(step.with ?? {}).flatMap((value) =>
        [...String(value).matchAll(/^((?:configs|deployments|scripts|ml)\/[\w./-]+)$/gm)].map(
          (match) => `${where}: ${match[1]}`,
        ),
      ),
    );
    expect(named.filter((each) => !existsSync(join(ROOT, each.split(": ")[1])))).toEqual([]);
  });

  test("workflows that are called are there", () => {
    const called = ALL.flatMap(({ jobs }) => Object.values(jobs).flatMap(({ uses }) => uses ?? []));
    expect(called.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });
});

test("CI has passed when each of its jobs has", () => {
  const { jobs } = ALL.find(({ path }) => path.endsWith("/ci.yml"))!;
  const others = Object.keys(jobs).filter((name) => name !== "passed");
  expect([...(jobs.passed.needs as string[])].sort()).toEqual(others.sort());
});

test("one version of Node.js everywhere, and the oldest that package.json admits once", () => {
  const current = new Set(ALL.flatMap(({ env }) => env?.NODE_VERSION ?? []));
  expect(current.size).toBe(1);
  const [version] = current;
  const images = ALL.flatMap(({ jobs }) => Object.values(jobs).flatMap(({ container }) => container?.image ?? []));
  expect(images.filter((image) => image.startsWith("node:") && image !== `node:${version}-bookworm`)).toEqual([]);
  const built = [...new Bun.Glob("deployments/docker/Dockerfile.*").scanSync({ cwd: ROOT })].map(
    (path) => /^ARG BUILDER_IMAGE=.*\bnode:([\d.]+)-/m.exec(readFileSync(join(ROOT, path), "utf8"))?.[1],
  );
  expect(new Set(built)).toEqual(new Set([version]));
  const others = STEPS.flatMap(({ step }) => String(step.with?.["node-version"] ?? [])).filter(
    (given) => !/^\$\{\{ env\.NODE_VERSION \}\}$/.test(given),
  );
  expect(others.filter(Boolean).map((given) => `>=${given.split(".")[0]}`)).toEqual([engines.node]);
});

describe("dependabot", () => {
  interface Update {
    readonly "package-ecosystem": string;
    readonly directory?: string;
    readonly directories?: readonly string[];
  }
  const { updates }: { updates: Update[] } = parse(readFileSync(join(ROOT, ".github/dependabot.yml"), "utf8"));
  /** By what it is that Dependabot knows a folder to have dependencies. */
  const MARKS: Readonly<Record<string, string>> = {
    npm: "package.json",
    gomod: "go.mod",
    pip: "requirements*.txt",
    docker: "Dockerfile*",
    "docker-compose": "docker-compose.yml",
  };

  test("looks everywhere", () => {
    const missed = Object.entries(MARKS).flatMap(([ecosystem, mark]) => {
      const own = updates.filter((update) => update["package-ecosystem"] === ecosystem);
      const patterns = own.flatMap(({ directory, directories }) => directories ?? [directory!]);
      const looked = new Set(patterns.flatMap((pattern) => filesLike(join(`.${pattern}`, mark))));
      return filesLike(`**/${mark}`).filter((path) => !looked.has(path));
    });
    expect(missed).toEqual([]);
  });

  test("knows no kind but those", () => {
    expect(updates.map((update) => update["package-ecosystem"]).filter((each) => !(each in MARKS))).toEqual([
      "github-actions",
    ]);
  });

  function filesLike(pattern: string): string[] {
    const found = [...new Bun.Glob(pattern).scanSync({ cwd: ROOT, dot: true })];
    return found.filter((path) => !path.includes("node_modules/"));
  }
});
