/** What dpkg runs of the .deb, where systemd does as it should and where it does not. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spawnSync } from "../../support/processes.ts";

const SCRIPTS = join(import.meta.dir, "../../../scripts/package/debian");
/** Programs that the scripts call; each says what it was told. */
const PROGRAMS = ["systemctl", "systemd-sysusers", "dpkg-statoverride", "chown", "chmod"];

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "neurabalancer-deb-"));
  for (const name of PROGRAMS) {
    const path = join(directory, name);
    writeFileSync(path, `#!/bin/sh\necho ${name} "$@"\ncase " $FAILING " in *" $1 "*|*" $2 "*) exit 5 ;; esac\n`);
    chmodSync(path, 0o755);
  }
  mkdirSync(join(directory, "systemd"));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Runs a script as dpkg does, with the machine's directories below one of our own. */
function dpkg(name: string, args: readonly string[], failing = "none") {
  const text = readFileSync(join(SCRIPTS, name), "utf8")
    .replaceAll("/run/systemd/system", join(directory, "systemd"))
    .replaceAll(/\/(etc|var)\//g, `${directory}/$1/`);
  const { exitCode, stdout, stderr } = spawnSync(["sh", "-c", text, name, ...args], {
    env: { PATH: `${directory}:${process.env.PATH}`, FAILING: failing },
    stdout: "pipe",
    stderr: "pipe",
  });
  return { code: exitCode, out: stdout.toString(), err: stderr.toString() };
}

test("removed: the service is stopped; replaced: it is not", () => {
  expect(dpkg("prerm", ["remove"])).toEqual({ code: 0, out: "systemctl stop neurabalancer.service\n", err: "" });
  for (const args of [["upgrade", "0.3.0"], ["deconfigure"], ["failed-upgrade", "0.1.0"]]) {
    expect(dpkg("prerm", args)).toEqual({ code: 0, out: "", err: "" });
  }
});

test("a systemd that fails is told of, and leaves no package half removed or half configured", () => {
  const removed = dpkg("prerm", ["remove"], "stop");
  expect([removed.code, removed.err]).toEqual([0, expect.stringContaining("could not be stopped")]);
  const configured = dpkg("postinst", ["configure", ""], "daemon-reload");
  expect([configured.code, configured.err]).toEqual([0, expect.stringContaining("does not read its units again")]);
  expect(dpkg("postrm", ["remove"], "daemon-reload").code).toBe(0);
});

test("replaced: the new version takes over, and where it cannot, the old one goes on", () => {
  const replaced = dpkg("postinst", ["configure", "0.1.0"]);
  expect(replaced.out).toEndWith("systemctl reload neurabalancer.service\n");
  const refused = dpkg("postinst", ["configure", "0.1.0"], "reload");
  expect([refused.code, refused.err]).toEqual([0, expect.stringContaining("version 0.1.0 goes on running")]);
  const idle = dpkg("postinst", ["configure", "0.1.0"], "is-active");
  expect([idle.code, idle.out.includes("reload neurabalancer")]).toEqual([0, false]);
  expect(dpkg("postinst", ["abort-upgrade", "0.1.0"])).toEqual({ code: 0, out: "", err: "" });
});

test("without its user it is not configured", () => {
  expect(dpkg("postinst", ["configure", ""], "neurabalancer.conf").code).not.toBe(0);
});

test("only purged: what it kept goes", () => {
  const kept = join(directory, "var/lib/neurabalancer");
  mkdirSync(kept, { recursive: true });
  expect([dpkg("postrm", ["remove"]).code, existsSync(kept)]).toEqual([0, true]);
  expect([dpkg("postrm", ["purge"]).code, existsSync(kept)]).toEqual([0, false]);
});
