/** A file system that takes a part of a certificate and no more: the one before is still there, as a whole. */
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { replacePrivateFile } from "../../../../src/acme/store/private-file.ts";
import { spawn } from "../../../support/processes.ts";

const directory = mkdtempSync(join(tmpdir(), "nb-private-file-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Writes in a process whose files may have 4 KiB: as on a disk that fills, what fits is written without an error. */
async function write(path: string, length: number): Promise<string> {
  const script = join(import.meta.dir, "writer.ts");
  const limited = ["/bin/bash", "-c", 'ulimit -f 4 && exec "$@"', "limited", process.execPath, script];
  const child = spawn([...limited, path, String(length)], { stdout: "pipe", stderr: "inherit" });
  return (await new Response(child.stdout as ReadableStream).text()).trim();
}

test("what does not fit as a whole replaces nothing, and leaves nothing behind", async () => {
  const path = join(directory, "certificates", "a.test.pem");
  replacePrivateFile(path, "the one before", "mark");
  expect(await write(path, 6_000)).toBe("EFBIG");
  expect(readFileSync(path, "utf8")).toBe("the one before");
  expect(readdirSync(join(directory, "certificates"))).toEqual(["a.test.pem"]);
  expect(await write(path, 3_000)).toBe("written");
  expect(readFileSync(path, "utf8")).toHaveLength(3_000);
});
