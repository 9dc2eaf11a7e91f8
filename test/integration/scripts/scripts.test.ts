import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generatedFiles } from "../../../scripts/generate/main.ts";
import { README_BEGIN, README_END, withTable } from "../../../scripts/generate/settings.ts";
import { ROOT, run } from "../cli/spawn.ts";

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "neurabalancer-scripts-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe("generated files", () => {
  for (const { path, content } of generatedFiles()) {
    test(`${path} is fresh (npm run generate)`, () => {
      expect(readFileSync(ROOT + path, "utf8")).toBe(content);
    });
  }

  test("the README's table replaces what is between the markers and nothing else", () => {
    const readme = withTable(`before\n${README_BEGIN}\nold\n${README_END}\nafter\n`);
    expect(readme).toStartWith(`before\n${README_BEGIN}\n| Name |`);
    expect(readme).toEndWith(`|\n${README_END}\nafter\n`);
    expect(readme).toContain("| `SERVERS` | required |");
    expect(readme).not.toContain("old");
    expect(withTable(readme)).toBe(readme);
    expect(() => withTable("no markers")).toThrow("README.md needs the lines");
  });
});

describe("ensure-installed", () => {
  const LOCK = {
    packages: {
      "": { version: "0.0.0" },
      "node_modules/a": { version: "1.0.0" },
      "node_modules/dev": { version: "1.0.0", dev: true },
      "node_modules/elsewhere": { version: "1.0.0", optional: true },
    },
  };

  function write(path: string, content: unknown): void {
    const file = join(directory, path);
    mkdirSync(join(file, ".."), { recursive: true });
    writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content));
  }

  /** Runs the script in a project whose npm does `effect` (a shell command) and notes how it was called. */
  function ensure(effect: string) {
    cpSync(join(ROOT, "scripts/ensure-installed.mjs"), join(directory, "scripts/ensure-installed.mjs"));
    write("fake/npm", `#!/bin/sh\necho "$@" >> '${directory}/calls'\necho noise\n${effect}\n`);
    chmodSync(join(directory, "fake/npm"), 0o755);
    const path = `${directory}/fake:${process.env.PATH}`;
    const outcome = run("node", [join(directory, "scripts/ensure-installed.mjs")], { PATH: path });
    const calls = join(directory, "calls");
    return { ...outcome, calls: existsSync(calls) ? readFileSync(calls, "utf8") : "" };
  }

  test("is silent when all is there; what is for others or for developers may be missing", () => {
    write("package-lock.json", LOCK);
    write("node_modules/.package-lock.json", { packages: { "node_modules/a": { version: "1.0.0" } } });
    expect(ensure("exit 1")).toEqual({ code: 0, stdout: "", stderr: "", calls: "" });
  });

  test("where developers work, what only they need may not be missing", () => {
    write("package-lock.json", { packages: { ...LOCK.packages, "node_modules/new": { version: "1.0.0", dev: true } } });
    const { a, dev } = { a: { version: "1.0.0" }, dev: { version: "1.0.0", dev: true } };
    write("node_modules/.package-lock.json", { packages: { "node_modules/a": a, "node_modules/dev": dev } });
    expect(ensure("exit 0").stderr).toContain("new is not at 1.0.0");
  });

  test("runs npm in a fresh clone, keeps standard output clean and leaves the lock alone", () => {
    write("package-lock.json", LOCK);
    const { code, stdout, stderr, calls } = ensure("exit 0");
    expect(code).toBe(0);
    expect(stdout).toBe("");
    expect(stderr).toContain("the dependencies are not installed; running npm install");
    expect(calls).toStartWith("install --no-save ");
  });

  test("runs npm when a version differs", () => {
    write("package-lock.json", LOCK);
    write("node_modules/.package-lock.json", { packages: { "node_modules/a": { version: "0.9.0" } } });
    expect(ensure("exit 0").stderr).toContain("a is not at 1.0.0; running npm install");
  });

  test("fails when npm fails", () => {
    write("package-lock.json", LOCK);
    const { code, stderr } = ensure("exit 7");
    expect(code).toBe(1);
    expect(stderr).toContain("npm install failed");
  });

  test("puts a missing binary of Bun in place, and fails when that does not help", () => {
    write("package-lock.json", { packages: {} });
    write("node_modules/.package-lock.json", { packages: {} });
    write("node_modules/bun/bin/bun.exe", "placeholder");
    write("node_modules/bun/install.js", "");
    expect(ensure("exit 1")).toMatchObject({ code: 1, stderr: expect.stringContaining("Bun could not be installed") });
    // As Bun's own does, it resolves paths from its working directory.
    write("node_modules/bun/install.js", 'require("node:fs").writeFileSync("bin/bun.exe", Buffer.alloc(2e6));');
    expect(ensure("exit 1")).toMatchObject({ code: 0, stderr: expect.stringContaining("putting it in place") });
    expect(ensure("exit 1")).toMatchObject({ code: 0, stderr: "", calls: "" });
  });
});
