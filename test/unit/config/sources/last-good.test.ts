/** What `serve --last-good` may start with is kept whole, for its owner alone. */
import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { keepSources, LAST_GOOD_FILE, readKeptSources } from "../../../../src/config/sources/last-good.ts";

const root = mkdtempSync(join(tmpdir(), "neurabalancer-kept-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const SOURCES = {
  env: { path: ".env", text: "WORKERS=2\n" },
  config: { path: "n.yaml", text: "servers: [http://a:1] # ü\n" },
};

describe("the configuration that ran last", () => {
  test("is what was kept, in a directory that is made", () => {
    const directory = join(root, "made");
    keepSources(directory, SOURCES);
    expect(readKeptSources(directory)).toEqual(SOURCES);
    expect(statSync(join(directory, LAST_GOOD_FILE)).mode & 0o777).toBe(0o600);
    expect(readdirSync(directory)).toEqual([LAST_GOOD_FILE]);
  });

  test("replaces the one before, also where a process ended while it wrote", () => {
    const directory = join(root, "made");
    writeFileSync(join(directory, `${LAST_GOOD_FILE}.new`), "half", { mode: 0o666 });
    keepSources(directory, { ...SOURCES, env: null });
    expect(readKeptSources(directory)).toEqual({ ...SOURCES, env: null });
    expect(statSync(join(directory, LAST_GOOD_FILE)).mode & 0o777).toBe(0o600);
    keepSources(directory, { env: null, config: null });
    expect(readKeptSources(directory)).toEqual({ env: null, config: null });
  });

  test("needs no directory where no file has settings", () => {
    keepSources(join(root, "none"), { env: null, config: null });
    expect(existsSync(join(root, "none"))).toBe(false);
    expect(readKeptSources(join(root, "none"))).toBeNull();
  });

  test.each([
    ["", "is damaged, or of another version"],
    ['{"format":2,"env":null,"config":null}', "is damaged, or of another version"],
    ['{"format":1,"env":{"path":1,"text":""},"config":null}', "is damaged, or of another version"],
    ["null", "is damaged, or of another version"],
    [`{"format":1,"env":null,"config":"${"x".repeat(5_000_000)}"}`, "is larger than"],
  ])("damaged %#", (text, said) => {
    writeFileSync(join(root, LAST_GOOD_FILE), text);
    expect(() => readKeptSources(root)).toThrow(said);
  });
});
