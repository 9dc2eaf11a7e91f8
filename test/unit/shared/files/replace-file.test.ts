/** A file is old or new, whoever may read it and whatever was left beside it. */
import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { replaceFileSync } from "../../../../src/shared/files/replace-file.ts";

const root = mkdtempSync(join(tmpdir(), "neurabalancer-replaced-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const mode = 0o600;

test("the new one is there, for whom it is meant, whatever a process left behind that ended", () => {
  const path = join(root, "kept");
  writeFileSync(`${path}.new`, "half", { mode: 0o666 });
  replaceFileSync(path, "one", { mode });
  writeFileSync(path, "old", { mode: 0o666 });
  replaceFileSync(path, "two", { mode, mark: "7" });
  expect(readFileSync(path, "utf8")).toBe("two");
  expect(statSync(path).mode & 0o777).toBe(mode);
  expect(readdirSync(root)).toEqual(["kept"]);
});

test("where it cannot be, the old one is there and nothing beside it", () => {
  const path = join(root, "in-the-way");
  mkdirSync(join(path, "full"), { recursive: true });
  expect(() => replaceFileSync(path, "new", { mode })).toThrow();
  expect(readdirSync(root).sort()).toEqual(["in-the-way", "kept"]);
  expect(() => replaceFileSync(join(root, "nowhere", "x"), "new", { mode })).toThrow("ENOENT");
});
