/** History in trouble: its recorder dies or hangs, its store is gone, full or read-only. Requests never notice. */
import { describe, expect, test } from "bun:test";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { EventRow, HistoryReader } from "../../src/storage/history-store.ts";
import { openHistoryReader } from "../../src/storage/open-store.ts";
import { endedAfterAll } from "../support/ended-after-all.ts";
import { spawnSync } from "../support/processes.ts";
import type { ProductOptions } from "../support/product-process.ts";
import {
  answer,
  figures,
  isAlive,
  Load,
  load,
  Product,
  type Report,
  request,
  serversOn,
  startScripted,
  until,
} from "./fixture.ts";

const open = endedAfterAll();
const LAUNCHER = join(import.meta.dir, "../../bin/neurabalancer");
const BEGINS = "what happens is not kept as it should be";
const ENDS = "what happens is kept again";

interface HistoryStatus {
  readonly up: boolean;
  readonly store: { readonly kind: string; readonly place: string; readonly state: string };
  readonly recorder: { readonly pid: number; readonly state: string; readonly restarts: number };
  readonly requests_lost: number;
  readonly rows_waiting: number;
  readonly rows_dropped: number;
}

/** The product with history, in a directory of its own. */
async function start(options: ProductOptions = {}): Promise<Product> {
  const servers = await startScripted(answer, answer);
  const product = new Product({ SERVERS: serversOn(...servers), HISTORY: "on" }, options);
  open.push(product, ...servers);
  await product.ready();
  await until(async () => (await history(product)).up);
  return product;
}

async function history(product: Product): Promise<HistoryStatus> {
  return ((await product.status()) as unknown as { history: HistoryStatus }).history;
}

async function read<T>(directory: string, ask: (reader: HistoryReader) => Promise<T>): Promise<T> {
  const reader = openHistoryReader({ kind: "sqlite", directory });
  try {
    return await ask(reader);
  } finally {
    await reader.close();
  }
}

/** What the store has counted. */
function counted(directory: string): Promise<number> {
  return read(directory, async (reader) => {
    let requests = 0;
    const ever = { sinceMs: 0, untilMs: 8e15 };
    for await (const rows of reader.metrics({ ...ever, resolution: "second" })) {
      for (const row of rows) requests += row.requests;
    }
    return requests;
  });
}

const eventsIn = (directory: string): Promise<readonly EventRow[]> =>
  read(directory, (reader) => reader.events({ sinceMs: 0, untilMs: 8e15, limit: 1000 }));

/** The mode is over, and the store has all that was sent, no more and no less. */
async function recovered(product: Product, directory: string, sent: number): Promise<void> {
  await until(async () => (await history(product)).up && (await counted(directory)) === sent);
  const { requests_lost, rows_dropped } = await history(product);
  expect([requests_lost, rows_dropped]).toEqual([0, 0]);
}

const get = (product: Product) => request(product.port);

describe.concurrent("the recorder", () => {
  test("killed while requests flow: no request fails, none is missing, and history has its death once", async () => {
    const product = await start();
    const directory = join(product.directory, "data");
    const running = new Load(100, () => get(product));
    for (let kills = 1; kills <= 3; kills++) {
      const { pid } = (await history(product)).recorder;
      process.kill(pid, "SIGKILL");
      await until(async () => (await history(product)).recorder.restarts === kills && (await history(product)).up);
      await Bun.sleep(700);
    }
    const seen = await running.stop();
    figures("recorder killed", seen);
    expect(seen.why).toEqual({});
    await recovered(product, directory, seen.sent);
    expect(await product.metric('history_recorder_restarts_total{reason="exit"}')).toBe(3);
    const died = async () =>
      (await eventsIn(directory)).filter(({ kind, message }) => kind === "process" && message.includes("died"));
    await until(async () => (await died()).length === 3);
    expect((await died())[0]).toMatchObject({ actor: "balancer", detail: { signal: "SIGKILL" } });
  });

  test("that hangs is missed, and killed; what workers told it meanwhile is not lost", async () => {
    const product = await start();
    const directory = join(product.directory, "data");
    const { pid } = (await history(product)).recorder;
    const running = new Load(50, () => get(product));
    process.kill(pid, "SIGSTOP");
    await until(() => product.said("recorder hangs") !== undefined);
    const said = product.lines.map(({ msg }) => msg);
    expect(said.findIndex((msg) => msg.includes(BEGINS))).toBeWithin(
      0,
      said.findIndex((msg) => msg.includes("hangs")),
    );
    await until(async () => (await history(product)).recorder.restarts === 1 && (await history(product)).up);
    const seen = await running.stop();
    figures("recorder hangs", seen);
    expect(seen.why).toEqual({});
    expect(isAlive(pid)).toBe(false);
    expect(await product.metric('history_recorder_restarts_total{reason="hung"}')).toBe(1);
    await recovered(product, directory, seen.sent);
  });
});

describe.concurrent("the store of what happened", () => {
  test("whose directory is removed: requests flow, and a new one has what comes", async () => {
    const product = await start();
    const directory = join(product.directory, "data");
    const before = await load(50, 1500, () => get(product));
    expect(before.why).toEqual({});
    await recovered(product, directory, before.sent);
    rmSync(directory, { recursive: true });
    const running = new Load(50, () => get(product));
    await until(async () => (await counted(directory).catch(() => 0)) > 20);
    const seen = await running.stop();
    figures("store removed", seen);
    expect(seen.why).toEqual({});
    await until(async () => (await history(product)).up);
    expect(product.count(BEGINS)).toBeLessThanOrEqual(1);
  });

  /** Whether this user may mount a file system of its own, out of sight of everyone else. */
  const canMount =
    process.platform === "linux" &&
    spawnSync(["unshare", "-m", "mount", "-t", "tmpfs", "none", "/mnt"], { stderr: "ignore" }).exitCode === 0;

  const inNamespace = (product: Product, script: string): number =>
    spawnSync(["nsenter", "-t", String(product.process.pid), "-m", "bash", "-c", script], { stderr: "ignore" })
      .exitCode;

  /** A small file system of its own at `data`. */
  const mounted = (options: string): ProductOptions => ({
    command: [
      "unshare",
      "-m",
      "bash",
      "-c",
      `mkdir -p data && mount -t tmpfs -o ${options} tmpfs data && exec "$@"`,
      "drill",
      LAUNCHER,
      "serve",
    ],
  });

  async function shown(product: Product, on: boolean): Promise<void> {
    await until(async () => (await product.degraded("history")) === (on ? 1 : 0));
    expect((await product.status()).degraded.includes("history")).toBe(on);
    expect(await product.metric("history_up")).toBe(on ? 0 : 1);
  }

  /** Copies the store to where this process sees it. */
  function copyOf(product: Product): string {
    const copy = join(product.directory, "copy");
    rmSync(copy, { recursive: true, force: true });
    mkdirSync(copy);
    const pid = product.process.pid;
    spawnSync(["bash", "-c", `cp /proc/${pid}/cwd/data/history.db* ${copy}/`], { stderr: "ignore" });
    return copy;
  }

  test.skipIf(!canMount)("full: requests flow, it is said once, and what could be kept is written later", async () => {
    const product = await start(mounted("size=6m"));
    expect(inNamespace(product, `cd ${product.directory} && head -c 20000000 /dev/zero > data/filler; true`)).toBe(0);
    const running = new Load(50, () => get(product));
    await shown(product, true);
    await until(() => product.count(BEGINS) > 0);
    await Bun.sleep(2000);
    inNamespace(product, `rm ${product.directory}/data/filler`);
    await shown(product, false);
    const seen: Report = await running.stop();
    figures("store full", seen);
    expect(seen.why).toEqual({});
    await until(async () => (await counted(copyOf(product)).catch(() => 0)) === seen.sent);
    await until(() => product.count(ENDS) > 0);
    expect([product.count(BEGINS), product.count(ENDS)]).toEqual([1, 1]);
    const modes = async () =>
      (await eventsIn(copyOf(product)).catch(() => [])).filter(({ kind }) => kind === "degraded");
    await until(async () => (await modes()).length === 2);
    expect((await modes()).map(({ detail }) => detail)).toEqual([
      { mode: "history", on: false },
      { mode: "history", on: true },
    ]);
  });

  test.skipIf(!canMount)("read-only at the start: requests flow, and it is written to when it can be", async () => {
    const servers = await startScripted(answer, answer);
    const product = new Product({ SERVERS: serversOn(...servers), HISTORY: "on" }, mounted("ro"));
    open.push(product, ...servers);
    await product.ready();
    const running = new Load(50, () => get(product));
    await shown(product, true);
    await until(() => product.count(BEGINS) > 0);
    expect((await history(product)).store.state).not.toBe("ok");
    expect(inNamespace(product, `mount -o remount,rw ${product.directory}/data`)).toBe(0);
    await shown(product, false);
    const seen = await running.stop();
    figures("store read-only", seen);
    expect(seen.why).toEqual({});
    await until(async () => (await counted(copyOf(product)).catch(() => 0)) === seen.sent);
    expect(product.count(BEGINS)).toBe(1);
  });
});
