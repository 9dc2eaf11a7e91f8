import { afterEach, describe, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { InnerDoors } from "../../../../src/control/admin/doors/inner-doors.ts";
import { pinSettings } from "../../../../src/control/supervisor/pinned.ts";
import {
  claimRuntimeDirectory,
  removeStaleRuntimeDirectories,
} from "../../../../src/control/supervisor/runtime-directory.ts";
import type { ProxySettings } from "../../../../src/protocol/worker.ts";
import { FileWatch } from "../../../../src/shared/files/file-watch.ts";
import { removeRuntimeDirectory } from "../../../../src/shared/memory/file.ts";
import type { Logger } from "../../../../src/telemetry/log/logger.ts";
import { replaceableLogger } from "../../../../src/telemetry/log/replaceable-logger.ts";
import { spawnSync } from "../../../support/processes.ts";
import { recordingLogger } from "../../../support/recording-logger.ts";

const bases: string[] = [];
function makeBase(): string {
  const base = mkdtempSync(join(tmpdir(), "nb-base-"));
  bases.push(base);
  return base;
}
afterEach(() => {
  for (const base of bases.splice(0)) rmSync(base, { recursive: true });
});

describe("stale runtime directories", () => {
  const HOUR_AGO = Date.now() / 1000 - 3600;
  const { log, lines } = recordingLogger();
  const removeStale = (base: string): Promise<string[]> => removeStaleRuntimeDirectories(Date.now(), log, base);

  /** A directory as an instance leaves it; `owner` as its file says. */
  function leave(base: string, owner: object | null, ageing = true): string {
    const path = mkdtempSync(join(base, "neurabalancer-1-"));
    writeFileSync(join(path, "memory"), "x");
    if (owner !== null) writeFileSync(join(path, "owner.json"), JSON.stringify(owner));
    if (ageing) utimesSync(path, HOUR_AGO, HOUR_AGO);
    return path;
  }

  /** What this process writes about itself. */
  async function self(): Promise<{ pid: number; startTicks: string; pidNamespace: string }> {
    const own = claimRuntimeDirectory();
    const owner = await Bun.file(join(own.path, "owner.json")).json();
    removeRuntimeDirectory(own.path);
    return owner;
  }

  test("go when their owner is dead, or its pid was given again", async () => {
    const base = makeBase();
    const owner = await self();
    const dead = spawnSync({ cmd: ["true"] }).pid;
    const paths = [leave(base, { ...owner, pid: dead }, false), leave(base, { ...owner, startTicks: "1" }, false)];
    expect((await removeStale(base)).sort()).toEqual(paths.sort());
    expect(paths.some((path) => existsSync(path))).toBe(false);
    const said = { level: "info", message: "removed what a dead instance left behind" };
    expect(lines).toEqual([{ ...said, directories: expect.arrayContaining(paths) }]);
    expect(await removeStale(base)).toEqual([]);
    expect(lines).toHaveLength(1);
  });

  test("go with all that the admin port had opened for its clients", async () => {
    const base = makeBase();
    const path = leave(base, { ...(await self()), startTicks: "1" });
    const { adminPortPath, path: own } = claimRuntimeDirectory();
    removeRuntimeDirectory(own);
    const doors = new InnerDoors(join(path, basename(adminPortPath)), (unix) =>
      Bun.serve({ unix, fetch: () => new Response() }),
    );
    for (let client = 1; client <= 12; client++) doors.open({ address: `192.0.2.${client}`, certificate: null });
    expect(readdirSync(path).length).toBe(2 + 12);
    expect(await removeStale(base)).toEqual([path]);
    await doors.stop();
  });

  test("stay when their owner lives, is not known yet, or is no directory of ours", async () => {
    const base = makeBase();
    const owner = await self();
    leave(base, owner);
    leave(base, null, false);
    leave(base, { ...owner, pid: 1, pidNamespace: "pid:[1]" }, false);
    mkdirSync(join(base, "something-else"));
    writeFileSync(join(base, "neurabalancer-file"), "");
    symlinkSync(base, join(base, "neurabalancer-link"));
    expect(await removeStale(base)).toEqual([]);
  });

  test.each([
    ["another name", "neurabalancer-bench-x", ["memory", "owner.json"]],
    ["no process id", "neurabalancer-demo-a1b2c3", ["memory", "owner.json"]],
    ["more than six characters at the end", "neurabalancer-1-a1b2c3d", ["memory", "owner.json"]],
    ["another's files beside ours", "neurabalancer-1-a1b2c3", ["memory", "owner.json", "results.json"]],
    ["nothing in it", "neurabalancer-1-a1b2c3", []],
  ])("a directory with %s stays for ever", async (_what, name, files) => {
    const base = makeBase();
    const path = join(base, name);
    mkdirSync(path);
    const gone = { ...(await self()), startTicks: "1" };
    for (const file of files) writeFileSync(join(path, file), file === "owner.json" ? JSON.stringify(gone) : "");
    utimesSync(path, HOUR_AGO, HOUR_AGO);
    expect(await removeStale(base)).toEqual([]);
    expect(existsSync(path)).toBe(true);
  });

  test("with an owner that cannot be looked up go after a while, unless somebody answers on the socket", async () => {
    const base = makeBase();
    const owner = await self();
    const elsewhere = { ...owner, pidNamespace: "pid:[1]" };
    const silent = leave(base, elsewhere);
    const unknown = leave(base, null);
    const busy = leave(base, elsewhere);
    const server = createServer().listen(join(busy, "admin.sock"));
    await new Promise((resolve) => server.once("listening", resolve));
    utimesSync(busy, HOUR_AGO, HOUR_AGO);
    expect((await removeStale(base)).sort()).toEqual([silent, unknown].sort());
    server.close();
  });
});

describe("FileWatch", () => {
  test("sees a file that is written, replaced, removed, or reached through another link; each once", () => {
    const base = makeBase();
    const path = join(base, "cert.pem");
    writeFileSync(path, "one");
    const watch = new FileWatch([path]);
    expect(watch.changed()).toBe(false);
    const change = (work: () => void) => {
      work();
      return [watch.changed(), watch.changed()];
    };
    expect(change(() => writeFileSync(path, "longer"))).toEqual([true, false]);
    writeFileSync(join(base, "next"), "longer");
    expect(change(() => renameSync(join(base, "next"), path))).toEqual([true, false]);
    expect(change(() => rmSync(path))).toEqual([true, false]);
    writeFileSync(join(base, "target"), "longer");
    expect(change(() => symlinkSync(join(base, "target"), path))).toEqual([true, false]);
    watch.watch([join(base, "nothing")]);
    expect(watch.changed()).toBe(false);
  });
});

test("a reload keeps the sockets that clients hold on to, and says so", () => {
  const tls = (port: number, names: string[]) => ({ port, certificates: [{ certPem: "", keyPem: "", names }] });
  const of = (fields: object) =>
    ({ host: "0.0.0.0", port: 80, hstsMs: 0, tls: null, listeners: [], ...fields }) as unknown as ProxySettings;
  expect(pinSettings(of({}), of({ hstsMs: 1 }))).toEqual({ settings: of({ hstsMs: 1 }), needRestart: [] });
  expect(pinSettings(of({ tls: tls(443, ["a"]) }), of({ tls: tls(443, ["b"]) }))).toEqual({
    settings: of({ tls: tls(443, ["b"]) }),
    needRestart: [],
  });
  expect(pinSettings(of({ tls: tls(443, ["a"]) }), of({ host: "::", port: 81, tls: tls(444, ["b"]) }))).toEqual({
    settings: of({ tls: tls(443, ["b"]) }),
    needRestart: ["APP_HOST", "APP_PORT", "TLS_PORT"],
  });
  expect(pinSettings(of({}), of({ tls: tls(443, []) }))).toEqual({ settings: of({}), needRestart: ["TLS_PORT"] });

  // Nobody has set TLS_PORT where the file has listeners.
  const listened = (port: number) => {
    const listeners = [80, port].map((each) => ({ host: "127.0.0.1", port: each, tls: each !== 80 }));
    return of({ listeners, tls: tls(port, []) });
  };
  expect(pinSettings(listened(443), listened(444))).toEqual({ settings: listened(443), needRestart: ["listeners"] });
});

test("a logger's target can be replaced under everyone who holds it", () => {
  const said: string[] = [];
  const target = (name: string): Logger => {
    const say = (fields: object | string, message?: string) =>
      void said.push(`${name} ${typeof fields === "string" ? fields : `${JSON.stringify(fields)} ${message}`}`);
    return {
      debug: say,
      info: say,
      warn: say,
      error: say,
      child: (fields) => target(`${name}${JSON.stringify(fields)}`),
      once: (key, message) => void said.push(`${name} ${key} ${message}`),
    };
  };
  const { log, replace } = replaceableLogger(target("a"));
  const child = log.child({ x: 1 });
  child.info("one");
  replace(target("b"));
  log.warn({ y: 2 }, "two");
  child.error("three");
  log.once("k", "four");
  expect(said).toEqual(['a{"x":1} one', 'b {"y":2} two', 'b{"x":1} three', "b k four"]);
});
