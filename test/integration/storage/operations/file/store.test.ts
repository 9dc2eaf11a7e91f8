/** Operations in files: whatever happens to the process, the disk or the file, nothing is torn and nothing is lost in silence. */
import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FileOperationsStore } from "../../../../../src/storage/operations/file/store.ts";
import { spawn } from "../../../../support/processes.ts";
import { setting } from "../../../../unit/control/operations/fixture.ts";
import { entry, operationsContract } from "../contract.ts";

const directory = mkdtempSync(join(tmpdir(), "nb-operations-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
let folders = 0;
const folder = (): string => join(directory, String(folders++));
const storeIn = (path: string): FileOperationsStore => new FileOperationsStore(path, () => 7);

describe("a store in files", () => {
  const path = folder();
  operationsContract(() => storeIn(path));

  test("is readable by its owner alone", () => {
    for (const name of ["overrides.json", "audit.jsonl"]) expect(statSync(join(path, name)).mode & 0o077).toBe(0);
  });
});

test("is one instance's: another reads what is kept, and says why it can keep nothing", async () => {
  const path = folder();
  const store = storeIn(path);
  await store.commit((await store.read()).revision, [setting("LOG_LEVEL", "debug", "info")], [entry(1)]);
  const other = storeIn(path);
  const { revision, overrides, trouble } = await other.read();
  expect([revision, overrides.length]).toEqual([1, 1]);
  expect(trouble).toContain("another instance keeps");
  expect(other.commit(1, [], [])).rejects.toThrow("another instance keeps");
  await store.close();
  expect((await other.read()).trouble).toBeNull();
  await other.close();
});

test("a damaged file is put aside and said; one of a newer version is left as it is", async () => {
  const path = folder();
  const store = storeIn(path);
  await store.commit((await store.read()).revision, [], []);
  await store.close();
  writeFileSync(join(path, "overrides.json"), '{"format":1,"revision":3,"overr');
  const damaged = storeIn(path);
  expect(await damaged.read()).toMatchObject({
    overrides: [],
    trouble: null,
    notice: expect.stringContaining("put aside"),
  });
  expect(readdirSync(path)).toContain("overrides.json.damaged-7");
  await damaged.close();
  const newer = '{"format":2,"revision":3}';
  writeFileSync(join(path, "overrides.json"), newer);
  const left = storeIn(path);
  expect((await left.read()).trouble).toContain("newer version");
  expect(left.commit(0, [], [])).rejects.toThrow("newer version");
  expect(readFileSync(join(path, "overrides.json"), "utf8")).toBe(newer);
  await left.close();
});

test("an audit that cannot be written now has everything later: there is no change without its entry", async () => {
  const path = folder();
  const store = storeIn(path);
  await store.read();
  writeFileSync(join(path, "audit.jsonl"), "");
  rmSync(join(path, "audit.jsonl"));
  mkdirSync(join(path, "audit.jsonl"));
  await store.commit(0, [], [entry(1)]);
  await store.commit(1, [], [entry(2)]);
  rmSync(join(path, "audit.jsonl"), { recursive: true });
  await store.close();
  const next = storeIn(path);
  await next.read();
  expect(await next.audit({ limit: 9, sinceMs: null })).toEqual([entry(2), entry(1)]);
  await next.close();
});

test("what waits for the audit is shown with it, said, and bounded: then nothing is changed any more", async () => {
  const path = folder();
  const store = storeIn(path);
  await store.read();
  mkdirSync(join(path, "audit.jsonl"));
  for (let revision = 0; revision < 200; revision++) await store.commit(revision, [], [entry(revision)]);
  await expect(store.commit(200, [], [entry(200)])).rejects.toThrow("the audit cannot be written");
  expect(await store.read()).toMatchObject({
    revision: 200,
    trouble: expect.stringContaining("the audit cannot be written"),
  });
  rmSync(join(path, "audit.jsonl"), { recursive: true });
  expect((await store.read()).trouble).toBeNull();
  expect(await store.audit({ limit: 2, sinceMs: null })).toEqual([entry(199), entry(198)]);
  expect(await store.audit({ limit: 999, sinceMs: null })).toHaveLength(200);
  await store.commit(200, [], [entry(200)]);
  await store.close();
});

test("an override that cannot be written leaves nothing behind, and what was before is there", async () => {
  const path = folder();
  const store = storeIn(path);
  await store.commit((await store.read()).revision, [setting("LOG_LEVEL", "debug", "info")], [entry(1)]);
  mkdirSync(join(path, "overrides.json.new"));
  await expect(store.commit(1, [], [entry(2)])).rejects.toThrow("overrides.json cannot be written");
  expect(await store.read()).toMatchObject({ revision: 1, overrides: [setting("LOG_LEVEL", "debug", "info")] });
  rmSync(join(path, "overrides.json.new"), { recursive: true });
  expect(await store.commit(1, [], [entry(2)])).toBe(2);
  expect(readdirSync(path)).not.toContain("overrides.json.new");
  await store.close();
});

test("where no directory can be, it says so and keeps nothing", async () => {
  const path = folder();
  writeFileSync(path, "a file");
  const store = storeIn(path);
  expect((await store.read()).trouble).toContain("cannot be used");
  await store.close();
});

test("killed at any moment: never torn, and what was acknowledged is there with its entry", async () => {
  const path = folder();
  let last = 0;
  for (let round = 0; round < 25; round++) {
    const child = spawn([process.execPath, join(import.meta.dir, "committer.ts"), path], {
      stdout: "pipe",
      stderr: "inherit",
    });
    let text = "";
    for await (const chunk of child.stdout as ReadableStream<Uint8Array>) {
      text += new TextDecoder().decode(chunk);
      if (text.split("\n").length > 2 + (round % 7)) child.kill("SIGKILL");
    }
    await child.exited;
    const told = Number(
      text
        .trimEnd()
        .split("\n")
        .filter((line) => /^\d+$/.test(line))
        .at(-1) ?? last,
    );
    const store = storeIn(path);
    const { revision, overrides, trouble, notice } = await store.read();
    expect([trouble, notice ?? null]).toEqual([null, null]);
    expect(revision).toBeGreaterThanOrEqual(told);
    expect(overrides[0]?.value).toBe(String(revision));
    const [newest] = await store.audit({ limit: 1, sinceMs: null });
    expect(newest.atMs).toBe(revision);
    await store.close();
    last = revision;
  }
}, 120_000);

test("a pipe where the file belongs holds nobody up: it is said, and nothing is kept", async () => {
  const path = folder();
  mkdirSync(path);
  expect(await spawn(["mkfifo", join(path, "overrides.json")]).exited).toBe(0);
  const store = storeIn(path);
  expect((await store.read()).trouble).toContain("it is no file");
  await expect(store.commit(0, [], [entry(1)])).rejects.toThrow("it is no file");
  await store.close();
});
