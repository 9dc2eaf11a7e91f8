import { afterEach, describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { listenersOn } from "../../../../../src/control/port-listeners.ts";
import {
  claimPorts,
  portsOf,
  successorOf,
  type WantedPort,
} from "../../../../../src/control/supervisor/ports/port-claims.ts";
import {
  claimRuntimeDirectory,
  type RuntimeDirectory,
} from "../../../../../src/control/supervisor/runtime-directory.ts";
import { removeRuntimeDirectory } from "../../../../../src/shared/memory/file.ts";
import { spawn } from "../../../../support/processes.ts";
import { TEST_SETTINGS, withListeners } from "../../../../support/proxy-settings.ts";
import { until } from "../../processes/fixture.ts";

const directories: RuntimeDirectory[] = [];
afterEach(() => {
  for (const { path } of directories.splice(0)) removeRuntimeDirectory(path);
});

/** As another instance would: in a directory of its own. */
function claim(host: string, port: number) {
  const directory = claimRuntimeDirectory();
  directories.push(directory);
  const wanted: WantedPort[] = [{ hostSetting: "APP_HOST", portSetting: "APP_PORT", host, port }];
  return claimPorts(directory, wanted);
}

/** Ports that nobody listens on: claims are all that these tests are about. */
let next = 1;
const port = () => next++;

describe("two instances and one port", () => {
  test.each([
    ["127.0.0.1", "127.0.0.1"],
    ["0.0.0.0", "127.0.0.1"],
    ["127.0.0.1", "0.0.0.0"],
    ["::", "127.0.0.1"],
    ["::1", "::"],
    ["0.0.0.0", "::"],
    ["::1", "0:0:0:0:0:0:0:1"],
    ["127.0.0.1", "::ffff:127.0.0.1"],
    ["localhost", "127.0.0.1"],
    ["no-such-host.invalid", "no-such-host.invalid"],
  ])("%s and %s meet", async (first, second) => {
    const at = port();
    const { release } = await claim(first, at);
    const why = `cannot listen on APP_HOST=${second} APP_PORT=${at}: it is in use by another instance, process ${process.pid}; stop that one, or choose another port`;
    await expect(claim(second, at)).rejects.toThrow(why);
    release();
    await claim(second, at);
  });

  test.each([
    ["127.0.0.1", "127.0.0.2"],
    ["0.0.0.0", "::1"],
    ["localhost", "127.0.0.2"],
  ])("%s and %s do not", async (first, second) => {
    const at = port();
    await claim(first, at);
    await claim(second, at);
  });

  test("other ports and other network namespaces do not", async () => {
    const at = port();
    await claim("0.0.0.0", at);
    await claim("0.0.0.0", port());
    const { portsPath } = directories[0];
    const written = JSON.parse(readFileSync(portsPath, "utf8"));
    writeFileSync(portsPath, JSON.stringify({ ...written, network: "net:[1]" }));
    await claim("0.0.0.0", at);
  });

  test("of many that ask at the same moment exactly one gets it", async () => {
    for (let round = 0; round < 20; round++) {
      const at = port();
      const asked = await Promise.allSettled(Array.from({ length: 8 }, () => claim("0.0.0.0", at)));
      expect(asked.filter(({ status }) => status === "fulfilled").length).toBe(1);
    }
  });

  test("what a dead process claimed is free", async () => {
    const at = port();
    await claim("0.0.0.0", at);
    const ownerFile = join(directories[0].path, "owner.json");
    const owner = JSON.parse(readFileSync(ownerFile, "utf8"));
    writeFileSync(ownerFile, JSON.stringify({ ...owner, startTicks: "1" }));
    await claim("0.0.0.0", at);
  });
});

test.if(process.platform === "linux")("a process that has ended and waits to be reaped has no claim", async () => {
  const at = port();
  await claim("0.0.0.0", at);
  // A shell that becomes another program never reaps the child that it had: a zombie.
  const parent = spawn({ cmd: ["sh", "-c", "sleep 0.01 & echo $!; exec sleep 60"], stdout: "pipe" });
  try {
    const { value } = await parent.stdout.getReader().read();
    const pid = Number(new TextDecoder().decode(value));
    const stat = () => readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
    await until(() => stat()[0] === "Z");
    const ownerFile = join(directories[0].path, "owner.json");
    const owner = JSON.parse(readFileSync(ownerFile, "utf8"));
    writeFileSync(ownerFile, JSON.stringify({ ...owner, pid, startTicks: stat()[19] }));
    await claim("0.0.0.0", at);
  } finally {
    parent.kill("SIGKILL");
    await parent.exited;
  }
});

test("all ports are claimed but those that the system chooses", () => {
  const admin = { host: "127.0.0.1", port: 9, token: null };
  const tls = { port: 8, certificates: [] };
  const names = (settings: object, port: number | null) =>
    portsOf(withListeners({ ...TEST_SETTINGS, ...settings }), { ...admin, port }).map(({ portSetting }) => portSetting);
  expect(names({ port: 7, tls }, 9)).toEqual(["APP_PORT", "TLS_PORT", "ADMIN_PORT"]);
  expect(names({ port: 0, tls: { ...tls, port: 0 } }, 0)).toEqual([]);
  expect(names({ port: 0, tls: null }, null)).toEqual([]);
  const listeners = [
    { host: "::1", port: 0, tls: false },
    { host: "127.0.0.2", port: 6, tls: true },
  ];
  expect(portsOf({ ...TEST_SETTINGS, listeners, tls }, { ...admin, port: null })).toEqual([
    { hostSetting: "listeners[1].address", portSetting: "listeners[1].port", host: "127.0.0.2", port: 6 },
  ]);
});

test.if(process.platform === "linux")("who listens on a port is named", () => {
  using server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response() });
  expect(listenersOn(server.port as number)).toContain(`process ${process.pid}`);
});

describe("one that takes over", () => {
  /** @param takesOver as `claim`, from whoever has the port. */
  function take(host: string, port: number, portSetting = "APP_PORT") {
    const directory = claimRuntimeDirectory();
    directories.push(directory);
    return { directory, claim: claimPorts(directory, [{ hostSetting: "APP_HOST", portSetting, host, port }], true) };
  }

  test("gets the port beside the one that has it, and says whose it is", async () => {
    const at = port();
    await claim("127.0.0.1", at);
    const [former] = directories;
    const { directory, claim: taking } = take("127.0.0.1", at);
    const taken = await taking;
    expect(taken.predecessor).toMatchObject({ pid: process.pid, path: former.path, handsOver: true });
    expect([...(taken.predecessor?.ports ?? [])]).toEqual([at]);
    expect(await successorOf(former)).toBe(process.pid);
    expect(await successorOf(directory)).toBeNull();
    taken.settle();
    expect(await successorOf(former)).toBeNull();
  });

  test("is the only one that does, and nobody else gets the port meanwhile", async () => {
    const at = port();
    await claim("127.0.0.1", at);
    await take("127.0.0.1", at).claim;
    await expect(take("127.0.0.1", at).claim).rejects.toThrow("it is in use by another instance");
    await expect(claim("127.0.0.1", at)).rejects.toThrow("it is in use by another instance");
  });

  test("can be taken over from when the one before it has gone", async () => {
    const at = port();
    const first = await claim("127.0.0.1", at);
    const second = take("127.0.0.1", at);
    const taken = await second.claim;
    first.release();
    taken.settle();
    expect((await take("127.0.0.1", at).claim).predecessor?.path).toBe(second.directory.path);
  });

  test("takes over from nobody where nobody is, nor from who only has its admin port", async () => {
    const at = port();
    expect((await take("127.0.0.1", at).claim).predecessor).toBeNull();
    await expect(take("127.0.0.1", at, "ADMIN_PORT").claim).rejects.toThrow("it is in use by another instance");
  });

  test("from an instance of an earlier version, which does not know of it", async () => {
    const at = port();
    await claim("127.0.0.1", at);
    const [{ portsPath }] = directories;
    const { predecessor, handsOver, ...earlier } = JSON.parse(readFileSync(portsPath, "utf8"));
    expect([predecessor, handsOver]).toEqual([null, true]);
    writeFileSync(portsPath, JSON.stringify(earlier));
    expect((await take("127.0.0.1", at).claim).predecessor).toMatchObject({ handsOver: false });
  });
});
