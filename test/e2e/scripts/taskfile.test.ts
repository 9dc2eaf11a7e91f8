/**
 * Taskfile.yml, as the program reads it that it is for (`npm run build:task`, where Go is at hand): every task that operators
 * know by name is there, says what it is for, and comes to commands that exist.
 */
import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { scripts, version } from "../../../package.json";
import { run } from "../../support/processes.ts";

const ROOT = join(import.meta.dir, "../../..");
const PROGRAM = join(ROOT, "node_modules/.cache/task");

/** Names that others rely on: documents, and who knows them from elsewhere. */
const NAMES = [
  ...[
    "up",
    "down",
    "ps",
    "logs",
    "healthcheck",
    "load-test",
    "db-migrate",
    "demo",
    "setup",
    "lint",
    "test",
    "ci",
    "package",
  ],
  ...["build", "build-balancer", "build-backend", "build-ml", "test-coverage", "test-python", "ml-train", "ml-deploy"],
  ...["helm-lint", "helm-template", "helm-install", "helm-upgrade", "helm-uninstall"],
];

async function task(...args: string[]): Promise<string> {
  const { code, text, stderr } = await run([PROGRAM, ...args], { cwd: ROOT });
  if (code !== 0) throw new Error(`task ${args.join(" ")} ended with ${code}: ${stderr}`);
  return `${text}${stderr}`;
}

/** The commands that a task comes to, without being run. */
async function commandsOf(...args: string[]): Promise<string[]> {
  const lines = (await task("--dry", ...args)).split("\n");
  return lines.flatMap((line) => /^task: \[[^\]]+\] (.*)$/.exec(line)?.[1].trim().replaceAll(/ +/g, " ") ?? []);
}

describe.skipIf(!existsSync(PROGRAM))("Taskfile.yml", () => {
  test("lists every task with what it is for", async () => {
    const { tasks } = JSON.parse(await task("--list-all", "--json")) as { tasks: { name: string; desc: string }[] };
    expect(tasks.map(({ name }) => name)).toEqual(expect.arrayContaining(NAMES));
    expect(tasks.filter(({ desc }) => desc === "")).toEqual([]);
    const page = readFileSync(join(ROOT, "docs/tasks.md"), "utf8");
    expect(tasks.map(({ name }) => name).filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
  });

  test.each(NAMES)("%s comes to commands that there are", async (name) => {
    const commands = await commandsOf(name);
    expect(commands).not.toBeEmpty();
    for (const command of commands) {
      expect(command).not.toContain("<no value>");
      const [program, ...rest] = command.split(" ");
      if (program === "npm") {
        const script = rest.filter((word) => word !== "run" && !word.startsWith("-"))[0];
        expect(["install", ...Object.keys(scripts)]).toContain(script);
      } else if (program.includes("/") && !program.startsWith("node_modules/")) {
        expect([program, existsSync(join(ROOT, program))]).toEqual([program, true]);
      } else expect([program, "docker", "helm", "echo"]).toContain(program);
    }
  });

  test.each([
    [
      ["helm-template", "VALUES=my values.yaml", "RELEASE=edge"],
      "helm template edge deployments/.+ --values 'my values.yaml'",
    ],
    [["load-test", "URL=http://127.0.0.1:9/?a=1&b=2"], "bin/neurabalancer load 'http://127.0.0.1:9/\\?a=1&b=2'"],
    [["load-test", "--", "--rate", "50"], "bin/neurabalancer load http://127.0.0.1:8080/ --rate 50"],
    [["ml-train"], "bin/neurabalancer train --from simulation --out models/trained --quick"],
    [["ml-train", "FROM=store", "OUT=m"], "bin/neurabalancer train --from store --out m"],
    [["ml-train", "--", "--seed", "2"], "bin/neurabalancer train --from simulation --out models/trained --seed 2"],
    [["build-ml"], `docker build .+ VERSION=${version} .+ghcr.io/neurabalancer/neurabalancer-ml:${version} .`],
  ])("%p", async (args, expected) => {
    expect((await commandsOf(...args))[0]).toMatch(new RegExp(`^${expected}$`));
  });

  test("a task runs what it says, and ends as that does", async () => {
    expect(await task("db-migrate", "--", "--help")).toContain(
      "bring the store's tables to the version of this release",
    );
    const { code, stderr } = await run([PROGRAM, "--exit-code", "db-migrate", "--", "--no-such-flag"], { cwd: ROOT });
    expect([code, stderr]).toEqual([1, expect.stringContaining("--no-such-flag")]);
  });
});
