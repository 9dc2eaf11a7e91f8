/** The copy of what a database said last: what is wrong with it is said, and stands in nobody's way. */
import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CopiedOperationsStore } from "../../../../src/storage/operations/copied-store.ts";
import { setting } from "../../control/operations/fixture.ts";
import { MemoryOperationsStore } from "../../control/operations/memory-store.ts";

const directory = mkdtempSync(join(tmpdir(), "nb-copy-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
let folders = 0;
const folder = (): string => join(directory, String(folders++));
const copyOver = (path: string): CopiedOperationsStore =>
  new CopiedOperationsStore(new MemoryOperationsStore(), path, 5_000);

test("where there is no copy yet, there is nothing to say", async () => {
  const path = folder();
  const store = copyOver(path);
  expect(await store.read()).toMatchObject({ revision: 0, overrides: [], trouble: null, notice: null });
  await store.close();
  expect(readFileSync(join(path, "copy.json"), "utf8")).toContain('"overrides":[]');
});

test("a damaged copy is said; the next takes its place", async () => {
  for (const text of ["", "{", "null", '{"overrides":[{"kind":"weight"}]}', '{"overrides":7}']) {
    const path = folder();
    mkdirSync(path);
    writeFileSync(join(path, "copy.json"), text);
    const store = copyOver(path);
    const read = await store.read();
    expect(read).toMatchObject({ revision: 0, trouble: null, notice: expect.stringContaining("cannot be read") });
    await store.close();
    const next = copyOver(path);
    expect((await next.read()).notice).toBeNull();
    await next.close();
  }
});

test("a copy that cannot be written is said with the next look, and changes are kept all the same", async () => {
  const path = folder();
  writeFileSync(path, "a file where the folder belongs");
  const store = copyOver(path);
  const kept = [setting("LOG_LEVEL", "debug", "info")];
  expect(await store.commit((await store.read()).revision, kept, [])).toBe(1);
  await store.close(); // the writing is over
  expect(await store.read()).toMatchObject({
    overrides: kept,
    trouble: null,
    notice: expect.stringContaining("cannot be written"),
  });
});
