import { afterAll, describe, expect, test } from "bun:test";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LogRotation } from "../../../../src/control/supervisor/log-rotation.ts";
import { recordingLogger } from "../../../support/recording-logger.ts";

const directory = mkdtempSync(join(tmpdir(), "nb-log-rotation-"));
afterAll(() => rmSync(directory, { recursive: true }));

function rotationOf(accessFile: string | null, { access = true, accessMaxBytes = 10 } = {}) {
  const { log, lines } = recordingLogger();
  let reopened = 0;
  const rotation = new LogRotation({
    settings: () => ({ access, accessFile, accessMaxBytes }),
    reopen: () => void reopened++,
    log,
  });
  return { tick: () => rotation.tick(), lines, reopened: () => reopened };
}

function fileOf(name: string, text: string): string {
  const file = join(directory, name);
  writeFileSync(file, text);
  return file;
}

describe("the file of the access log", () => {
  test("is moved when it has the size, in place of what was moved before, and workers open it again", () => {
    const file = fileOf("a.log", "123456789");
    const { tick, reopened } = rotationOf(file);
    tick();
    expect([existsSync(file), reopened()]).toEqual([true, 0]);
    for (const text of ["0123456789", "and once more"]) {
      writeFileSync(file, text);
      tick();
      expect([existsSync(file), readFileSync(`${file}.1`, "utf8")]).toEqual([false, text]);
    }
    tick();
    expect(reopened()).toBe(2);
  });

  test("stays where nobody asked for that, and where it is no file of our own", () => {
    const file = fileOf("b.log", "0123456789");
    const link = join(directory, "link.log");
    symlinkSync(file, link);
    const others = [
      rotationOf(file, { accessMaxBytes: 0 }),
      rotationOf(file, { access: false }),
      rotationOf(link),
      rotationOf(directory),
      rotationOf(join(directory, "absent.log")),
      rotationOf(null),
    ];
    for (const { tick, reopened, lines } of others) {
      tick();
      expect([reopened(), lines.length]).toEqual([0, 0]);
    }
    expect([existsSync(`${file}.1`), lstatSync(link).isSymbolicLink()]).toEqual([false, true]);
  });

  test("that cannot be moved is told of once for each reason", () => {
    const file = fileOf("c.log", "0123456789");
    mkdirSync(`${file}.1`);
    const { tick, lines, reopened } = rotationOf(file);
    tick();
    tick();
    expect(lines.map(({ level }) => level)).toEqual(["warn"]);
    rmSync(`${file}.1`, { recursive: true });
    tick();
    expect(reopened()).toBe(1);
  });
});
