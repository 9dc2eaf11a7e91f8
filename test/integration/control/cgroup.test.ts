/** An instance in control groups of its own, where they can be made: root on Linux with version 1, or version 2 at the usual place. */
import { afterAll, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { allowedCpus } from "../../../src/shared/proc/allowed-cpus.ts";
import { ProductProcess } from "../../support/product-process.ts";
import { until } from "../../support/until.ts";

const NAME = `neurabalancer-test-${process.pid}`;

/** Directories of new groups with half a CPU, and the files that processes are put into; `null` = none can be made. */
function makeGroups(): { readonly directories: readonly string[]; readonly members: string } | null {
  const first = "/sys/fs/cgroup/cpu";
  const made: string[] = [];
  const make = (parent: string, files: Record<string, string>, members: string) => {
    const directory = join(parent, NAME);
    mkdirSync(directory);
    made.push(directory);
    for (const [file, text] of Object.entries(files)) writeFileSync(join(directory, file), text);
    return join(directory, members);
  };
  try {
    if (existsSync(join(first, "cpu.cfs_quota_us"))) {
      const cpu = make(first, { "cpu.cfs_period_us": "100000", "cpu.cfs_quota_us": "50000" }, "cgroup.procs");
      return { directories: made, members: cpu };
    }
    if (!readFileSync("/sys/fs/cgroup/cgroup.subtree_control", "utf8").includes("cpu")) return null;
    return { directories: made, members: make("/sys/fs/cgroup", { "cpu.max": "50000 100000" }, "cgroup.procs") };
  } catch {
    for (const directory of made) rmdirSync(directory);
    return null;
  }
}

// With one CPU there would be one worker anyway.
const isRoot = process.platform === "linux" && process.getuid?.() === 0;
const groups = isRoot && allowedCpus() > 1 ? makeGroups() : null;
const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("ok") });
const product =
  groups &&
  new ProductProcess(
    {
      SERVERS: `http://127.0.0.1:${server.port}`,
      APP_HOST: "127.0.0.1",
      APP_PORT: "0",
      ADMIN_PORT: "auto",
      WORKERS: "0",
      HEALTH_CHECK_ENABLED: "false",
    },
    { prelude: `echo $$ >${groups.members}` },
  );
afterAll(async () => {
  await product?.kill();
  await server.stop(true);
  for (const directory of groups?.directories ?? []) {
    await until(() => {
      try {
        rmdirSync(directory); // not while a process that has ended is still in it
        return true;
      } catch {
        return false;
      }
    });
  }
});

test.skipIf(product === null)("half a CPU is one worker, and the log and the status say why", async () => {
  await product!.started();
  const said = product!.said("balancing");
  expect(said).toMatchObject({ workers: 1, workers_why: expect.stringContaining(NAME) });
  const { allowance, workers } = (await (await product!.admin("/api/v1/status")).json()) as {
    allowance: object;
    workers: unknown[];
  };
  expect(allowance).toMatchObject({ workers: 1, cpu_limit: 0.5, why: said?.workers_why });
  expect(workers).toHaveLength(1);
});
