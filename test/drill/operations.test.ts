/** The disk under what operators change is full: nothing is changed by halves, it is said, and it ends by itself. */
import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { endedAfterAll } from "../support/ended-after-all.ts";
import { spawnSync } from "../support/processes.ts";
import type { ProductOptions } from "../support/product-process.ts";
import { answer, figures, Load, Product, request, serversOn, startScripted, until } from "./fixture.ts";

const open = endedAfterAll();
const LAUNCHER = join(import.meta.dir, "../../bin/neurabalancer");

/** Whether this user may mount a file system of its own, out of sight of everyone else. */
const canMount =
  process.platform === "linux" &&
  spawnSync(["unshare", "-m", "mount", "-t", "tmpfs", "none", "/mnt"], { stderr: "ignore" }).exitCode === 0;

const FILL = "head -c 2000000 /dev/zero > data/filler";

/** The product with a small file system of its own at `data`. @param prepare shell commands before it starts. */
const onSmallDisk = (prepare = "true"): ProductOptions => ({
  command: [
    ...["unshare", "-m", "bash", "-c"],
    `mkdir -p data && mount -t tmpfs -o size=512k tmpfs data && { ${prepare}; exec "$@"; }`,
    ...["drill", LAUNCHER, "serve"],
  ],
});

function onDisk(product: Product, script: string): void {
  const enter = [
    "nsenter",
    "-t",
    String(product.process.pid),
    "-m",
    "bash",
    "-c",
    `cd ${product.directory} && ${script}`,
  ];
  expect(spawnSync(enter, { stderr: "ignore" }).exitCode).toBe(0);
}

const fill = (product: Product): void => onDisk(product, `${FILL}; true`);
const makeRoom = (product: Product): void => onDisk(product, "rm data/filler");
/** As the product sees its directory. */
const seenBy = (product: Product, path: string): string => `/proc/${product.process.pid}/cwd/data/operations/${path}`;

interface Kept {
  readonly revision: number;
  readonly overrides: readonly { readonly kind: string; readonly value: unknown }[];
}

const kept = (product: Product): Kept => JSON.parse(readFileSync(seenBy(product, "overrides.json"), "utf8")) as Kept;

async function change(product: Product, path: string, body: object): Promise<{ status: number; code?: string }> {
  const headers = { "content-type": "application/json" };
  const response = await product.admin(path, { method: "PATCH", headers, body: JSON.stringify(body) });
  const { code } = (await response.json()) as { readonly code?: string };
  return code === undefined ? { status: response.status } : { status: response.status, code };
}

/** Weights that were set, the newest first. */
async function audited(product: Product): Promise<readonly number[]> {
  const answered = await (await product.admin("/api/v1/audit")).json();
  return (answered as { entries: { after: { weight: number } }[] }).entries.map(({ after }) => after.weight);
}

describe.skipIf(!canMount)("a full disk under what operators change", () => {
  test("changes are refused and nothing is half done; those of this run are made; it ends by itself", async () => {
    const servers = await startScripted(answer, answer);
    const product = new Product({ SERVERS: serversOn(...servers), DATA_DIR: "data" }, onSmallDisk());
    open.push(product, ...servers);
    await product.ready();
    const weight = async (): Promise<number> => (await product.servers())[0].weight;
    const { id } = (await product.servers())[0];
    expect(await change(product, `/api/v1/servers/${id}`, { weight: 2 })).toEqual({ status: 200 });
    const before = kept(product);
    const running = new Load(50, () => request(product.port));
    fill(product);
    expect(await change(product, `/api/v1/servers/${id}`, { weight: 3 })).toEqual({ status: 503, code: "not_kept" });
    expect(await weight()).toBe(2);
    expect(kept(product)).toEqual(before);
    expect(readdirSync(seenBy(product, ""))).not.toContain("overrides.json.new");
    await until(async () => (await product.degraded("operations")) === 1);
    expect((await product.status()).degraded).toContain("operations");
    expect(await audited(product)).toEqual([2]);
    // What is meant for this run needs no disk.
    expect(await change(product, `/api/v1/servers/${id}?keep=false`, { weight: 4 })).toEqual({ status: 200 });
    expect(await weight()).toBe(4);
    for (let i = 0; i < 3; i++) {
      expect((await change(product, `/api/v1/servers/${id}`, { weight: 5 + i })).code).toBe("not_kept");
    }
    await until(() => product.said("cannot be written"));
    makeRoom(product);
    // Nobody has to change anything for it to be seen.
    await until(async () => (await product.degraded("operations")) === 0);
    await until(() => product.said("overrides are kept again"));
    expect(product.count("overrides are kept again")).toBe(1);
    expect(await change(product, `/api/v1/servers/${id}`, { weight: 8 })).toEqual({ status: 200 });
    expect(await weight()).toBe(8);
    expect(kept(product).overrides.map(({ value }) => value)).toEqual([8]);
    expect(await audited(product)).toContain(8);
    const seen = await running.stop();
    figures("disk full under overrides", seen);
    expect(seen.why).toEqual({});
  });

  test("full from the start: it serves as configured, and takes over what can be kept later", async () => {
    const servers = await startScripted(answer);
    const product = new Product({ SERVERS: serversOn(...servers), DATA_DIR: "data" }, onSmallDisk(FILL));
    open.push(product, ...servers);
    await product.ready();
    const { id } = (await product.servers())[0];
    expect((await change(product, `/api/v1/servers/${id}`, { weight: 3 })).code).toBe("not_kept");
    expect((await product.servers())[0].weight).toBe(1);
    await until(async () => (await product.degraded("operations")) === 1);
    makeRoom(product);
    await until(async () => (await product.degraded("operations")) === 0);
    expect(await change(product, `/api/v1/servers/${id}`, { weight: 3 })).toEqual({ status: 200 });
    expect(existsSync(seenBy(product, "overrides.json"))).toBe(true);
  });
});
