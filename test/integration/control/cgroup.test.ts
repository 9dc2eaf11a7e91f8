/** An instance in control groups of its own, where they can be made: root on Linux with version 1, or version 2 at the usual place. */
import { afterAll, expect, test } from "bun:test";
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { allowedCpus } from "../../../src/shared/proc/allowed-cpus.ts";
import { ProductProcess } from "../../support/product-process.ts";
import { until } from "../../support/until.ts";

const NAME = `neurabalancer-test-${process.pid}`;

interface Group {
  readonly directory: string;
  /** Processes are put into it by writing to this. */
  readonly members: string;
  readonly allow: (cpus: number) => void;
}

/** A new one; `null` = none can be made. */
function makeGroup(): Group | null {
  const first = "/sys/fs/cgroup/cpu";
  const isFirst = existsSync(join(first, "cpu.cfs_quota_us"));
  const directory = join(isFirst ? first : "/sys/fs/cgroup", NAME);
  const allow = (cpus: number) => {
    const quota = String(cpus * 100_000);
    if (isFirst) writeFileSync(join(directory, "cpu.cfs_quota_us"), quota);
    else writeFileSync(join(directory, "cpu.max"), `${quota} 100000`);
  };
  try {
    mkdirSync(directory);
  } catch {
    return null;
  }
  try {
    allow(0.5);
    return { directory, members: join(directory, "cgroup.procs"), allow };
  } catch {
    rmdirSync(directory); // its controller is not handed down to it
    return null;
  }
}

// With one CPU there would be one worker anyway.
const isRoot = process.platform === "linux" && process.getuid?.() === 0;
const group = isRoot && allowedCpus() > 1 ? makeGroup() : null;
const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("ok") });
const product =
  group &&
  new ProductProcess(
    {
      SERVERS: `http://127.0.0.1:${server.port}`,
      APP_HOST: "127.0.0.1",
      APP_PORT: "0",
      ADMIN_PORT: "auto",
      WORKERS: "0",
      HEALTH_CHECK_ENABLED: "false",
    },
    { prelude: `echo $$ >${group.members}` },
  );
afterAll(async () => {
  await product?.kill();
  await server.stop(true);
  if (group === null) return;
  await until(() => {
    try {
      rmdirSync(group.directory); // not while a process that has ended is still in it
      return true;
    } catch {
      return false;
    }
  });
});

const status = async () =>
  (await (await product!.admin("/api/v1/status")).json()) as { allowance: { workers: number }; workers: unknown[] };

test.skipIf(product === null)("half a CPU is one worker, and the log and the status say why", async () => {
  await product!.started();
  const said = product!.said("balancing");
  expect(said).toMatchObject({ workers: 1, workers_why: expect.stringContaining(NAME) });
  const { allowance, workers } = await status();
  expect(allowance).toMatchObject({ workers: 1, cpu_limit: 0.5, why: said?.workers_why });
  expect(workers).toHaveLength(1);
});

test.skipIf(product === null)("a reload looks at the limit again", async () => {
  group!.allow(1.5);
  product!.process.kill("SIGHUP");
  await until(async () => (await status()).allowance.workers === 2);
  await until(async () => (await status()).workers.length === 2);
});
