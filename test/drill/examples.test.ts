/** The unit for systemd and the image: what they run can keep what it learns. */
import { afterEach, describe, expect, test } from "bun:test";
import { chmodSync, chownSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spawnSync } from "../support/processes.ts";
import { Product, startScripted, until } from "./fixture.ts";

const ROOT = join(import.meta.dir, "../..");
const UNIT = readFileSync(join(ROOT, "deployments/systemd/neurabalancer.service"), "utf8");
const IMAGE = readFileSync(join(ROOT, "deployments/docker/Dockerfile.balancer"), "utf8");
const NOBODY = 65_534;

const open: { end?(): unknown; stop?(): unknown }[] = [];
const directories: string[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((each) => each.end?.() ?? each.stop?.()));
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
});

/** May this user take another one's place, out of sight of everyone else, and may that one read the product? */
const canStandIn =
  process.platform === "linux" &&
  spawnSync(
    [
      "unshare",
      "-m",
      "setpriv",
      `--reuid=${NOBODY}`,
      `--regid=${NOBODY}`,
      "--clear-groups",
      "test",
      "-x",
      join(ROOT, "bin/neurabalancer"),
    ],
    { stderr: "ignore" },
  ).exitCode === 0;

describe("the unit for systemd", () => {
  test("writes where it may: its state directory is DATA_DIR", () => {
    const values = (key: string) => [...UNIT.matchAll(new RegExp(`^${key}=(.*)$`, "gm"))].map(([, value]) => value);
    expect(values("ProtectSystem")).toEqual(["strict"]);
    const [state] = values("StateDirectory");
    expect(values("Environment")).toContain(`DATA_DIR=/var/lib/${state}`);
  });

  test.skipIf(!canStandIn)(
    "as an unprivileged user in a read-only directory, ml keeps what it learns in DATA_DIR, and without one says so",
    async () => {
      const [server] = await startScripted(
        (socket) => void socket.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
      );
      open.push(server);
      const state = mkdtempSync(join(tmpdir(), "nb-state-"));
      directories.push(state);
      chownSync(state, NOBODY, NOBODY);
      const run = async (settings: Record<string, string>) => {
        // The directory with .env is the working directory; it is made read-only in a mount name space of its own.
        const prelude = 'mount --bind "$PWD" "$PWD" && mount -o remount,ro,bind "$PWD" && cd "$PWD"';
        const user = ["setpriv", `--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups", "--no-new-privs"];
        const launcher = [join(ROOT, "bin/neurabalancer"), "serve"];
        const command = ["unshare", "-m", "/bin/bash", "-c", `${prelude} && exec "$@"`, "unit", ...user, ...launcher];
        const env = { SERVERS: `http://127.0.0.1:${server.port}`, LB_STRATEGY: "ml", WORKERS: "1", ...settings };
        const product = new Product(env, { command });
        chmodSync(product.directory, 0o755);
        open.push(product);
        return product.ready();
      };
      const kept = await run({ DATA_DIR: state });
      await until(() => existsSync(join(state, "learning.db")));
      await until(async () => !(await kept.status()).degraded.includes("learning_store"));
      const lost = await run({});
      await until(async () => (await lost.status()).degraded.includes("learning_store"));
      await until(() => lost.lines.some(({ msg }) => msg.includes("the store of what is learned")));
    },
  );
});

describe("the image", () => {
  test("has a volume for DATA_DIR that its user may write", () => {
    const [, directory] = /\bDATA_DIR=(\S+)$/m.exec(IMAGE) ?? [];
    const [, parent] = /^(\/.*)\/[^/]+$/.exec(directory) ?? [];
    const [, user] = /^USER (\S+)$/m.exec(IMAGE) ?? [];
    // A volume takes over what the image has there: it is made before, of its user.
    const made = IMAGE.search(new RegExp(`^COPY --from=build --chown=${user} \\S+ ${parent}/$`, "m"));
    const volume = IMAGE.indexOf(`VOLUME ${directory}\n`);
    expect(made).toBeGreaterThan(0);
    expect(volume).toBeGreaterThan(made);
  });
});
