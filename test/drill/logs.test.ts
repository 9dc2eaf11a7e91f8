/** Logs in trouble: a file that is moved, removed or full, and whatever is printed where only JSON is expected. */
import { afterAll, describe, expect, test } from "bun:test";
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SHARED_BYTES } from "../../src/shared/memory/layout/shared-memory.ts";
import { spawnSync } from "../support/processes.ts";
import type { ProductOptions } from "../support/product-process.ts";
import { answer, loadUntil, Product, request, serversOn, startScripted, until } from "./fixture.ts";

const open: { end?(): unknown; stop?(): unknown }[] = [];
const directory = mkdtempSync(join(tmpdir(), "nb-drill-logs-"));
afterAll(async () => {
  await Promise.all(open.map((each) => each.end?.() ?? each.stop?.()));
  rmSync(directory, { recursive: true });
});

async function start(settings: Record<string, string> = {}, options: ProductOptions = {}): Promise<Product> {
  const [server] = await startScripted(answer);
  const product = new Product({ SERVERS: serversOn(server), ...settings }, options);
  open.push(product, server);
  return product.ready();
}

/** Targets of the lines in these files, each of which has to be JSON; the one that is being written does not count yet. */
function targets(...files: readonly string[]): string[] {
  const texts = files.filter((file) => existsSync(file)).map((file) => readFileSync(file, "utf8"));
  return texts
    .map((text) => text.slice(0, text.lastIndexOf("\n") + 1))
    .join("")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => (JSON.parse(line) as { path: string }).path);
}

async function ask(product: Product, prefix: string, count: number): Promise<string[]> {
  const paths = Array.from({ length: count }, (_, i) => `/${prefix}/${i}`);
  for (const path of paths) await request(product.port, { path });
  return paths;
}

/** All descriptors that the workers have open lead to these files: nobody writes to another one any more. */
const isOpenBy = (pids: readonly number[], file: string): boolean =>
  pids.every((pid) => {
    const { stdout } = spawnSync(["ls", "-l", `/proc/${pid}/fd`]);
    return stdout.toString().includes(`-> ${file}\n`);
  });

describe("a file of its own", () => {
  test("ACCESS_LOG_FILE has the lines of all workers, also after SIGUSR1, and when it was moved or removed without a word", async () => {
    const file = join(directory, "access.log");
    const product = await start({ ACCESS_LOG_FILE: file });
    const pids = (await product.status()).workers.map(({ pid }) => pid);
    const first = await ask(product, "first", 30);
    await until(() => targets(file).length === first.length);
    renameSync(file, `${file}.1`);
    product.process.kill("SIGUSR1");
    await until(() => product.said("the file of the access log is opened again") !== undefined);
    await until(() => isOpenBy(pids, file));
    const second = await ask(product, "second", 30);
    await until(() => targets(file).length === second.length);
    renameSync(file, `${file}.2`);
    await until(() => isOpenBy(pids, file));
    const third = await ask(product, "third", 30);
    await until(() => targets(file).length === third.length);
    unlinkSync(file);
    await until(() => isOpenBy(pids, file));
    const fourth = await ask(product, "fourth", 30);
    await until(() => targets(file).length === fourth.length);
    expect(targets(`${file}.1`, `${file}.2`, file).sort()).toEqual([...first, ...second, ...fourth].sort());
    expect(await product.metric("access_log_dropped_total")).toBe(0);
  });

  test("ACCESS_LOG_MAX_MEGABYTES moves a file that is full, once after another, and no line is lost", async () => {
    const file = join(directory, "full.log");
    // One line that fills the file by itself: what the requests below write never does.
    const full = `${JSON.stringify({ path: `/${"f".repeat(70_000)}` })}\n`;
    writeFileSync(file, full);
    const product = await start({ ACCESS_LOG_FILE: file, ACCESS_LOG_MAX_MEGABYTES: "64KiB" });
    const pids = (await product.status()).workers.map(({ pid }) => pid);
    const moved = () => until(() => existsSync(`${file}.1`) && isOpenBy(pids, file));
    await moved();
    expect(readFileSync(`${file}.1`, "utf8")).toBe(full);
    const first = await ask(product, "first", 20);
    await until(() => targets(file).length === first.length);
    // In its place comes what is moved next.
    rmSync(`${file}.1`);
    appendFileSync(file, full);
    await moved();
    const second = await ask(product, "second", 20);
    await until(() => targets(file).length === second.length);
    expect(targets(`${file}.1`).slice(0, -1).sort()).toEqual(first.sort());
    expect(targets(file).sort()).toEqual(second.sort());
    appendFileSync(file, full);
    await until(() => targets(`${file}.1`)[0]?.startsWith("/second"));
    expect(existsSync(`${file}.2`)).toBe(false);
    expect(await product.metric("access_log_dropped_total")).toBe(0);
  });

  test.skipIf(spawnSync(["sh", "-c", "command -v logrotate"]).exitCode !== 0)(
    "logrotate takes it away by the configuration that we ship, and no line is lost",
    async () => {
      const below = join(directory, "rotated");
      mkdirSync(below);
      const file = join(below, "access.log");
      const product = await start({ ACCESS_LOG_FILE: file });
      const pids = (await product.status()).workers.map(({ pid }) => pid);
      const shipped = readFileSync(join(import.meta.dir, "../../configs/logrotate/neurabalancer"), "utf8");
      const configuration = join(directory, "logrotate.conf");
      const processLog = join(below, "process.log");
      writeFileSync(processLog, "said\n");
      const own = shipped
        .replace("/var/log/neurabalancer/access.log", file)
        .replace("/var/log/neurabalancer/process.log", processLog)
        .replace(/systemctl kill .*/, `kill -USR1 ${product.process.pid}`);
      expect(own).not.toContain("systemctl");
      writeFileSync(configuration, own);
      chmodSync(configuration, 0o644);
      const rotate = () => {
        const command = ["logrotate", "--force", "--state", join(directory, "state"), configuration];
        const { exitCode, stderr } = spawnSync(command);
        expect(stderr.toString()).toBe("");
        expect(exitCode).toBe(0);
      };
      const first = await ask(product, "first", 20);
      await until(() => targets(file).length === first.length);
      rotate();
      await until(() => isOpenBy(pids, file));
      const second = await ask(product, "second", 20);
      await until(() => targets(file).length === second.length);
      expect(targets(`${file}.1`).sort()).toEqual(first.sort());
      expect([readFileSync(processLog, "utf8"), existsSync(`${processLog}.1.gz`)]).toEqual(["", true]);
      rotate();
      await until(() => existsSync(`${file}.2.gz`) && isOpenBy(pids, file));
    },
  );

  test("that is full loses lines and no request, which is visible and ends by itself", async () => {
    const file = join(directory, "limited.log");
    const limitKb = Math.ceil(SHARED_BYTES / 1024) + 100_000; // the shared memory is a file, too, nearly all of it holes
    writeFileSync(file, "");
    truncateSync(file, limitKb * 1024 - 20_000);
    const product = await start({ ACCESS_LOG_FILE: file }, { prelude: `ulimit -f ${limitKb}` });
    const isFull = async () => (await product.degraded("access_log")) === 1;
    const seen = await loadUntil(isFull, 150, 1200, () => request(product.port));
    expect(seen.why).toEqual({});
    expect(await product.metric("access_log_dropped_total")).toBeGreaterThan(0);
    truncateSync(file, 0);
    await until(async () => {
      await request(product.port, { path: "/after" });
      return (await product.degraded("access_log")) === 0;
    });
    // What was torn ends where the next line begins.
    await until(() => targets(file).includes("/after"));
  });

  test("whose directory is not there stops the start, and SIGUSR1 without a file changes nothing", async () => {
    const wrong = new Product({ SERVERS: "http://127.0.0.1:9", ACCESS_LOG_FILE: join(directory, "none/access.log") });
    open.push(wrong);
    expect(await wrong.process.exited).toBe(1);
    await until(() => wrong.stderr.includes("cannot be made: there is no directory"));
    const product = await start();
    const { workers } = await product.status();
    product.process.kill("SIGUSR1");
    for (const { pid } of workers) process.kill(pid, "SIGUSR1");
    await product.reload();
    expect((await product.status()).workers.map(({ pid }) => pid)).toEqual(workers.map(({ pid }) => pid));
  });
});

describe("LOG_FORMAT=json", () => {
  test("every line on standard error is JSON, whoever had something to say", async () => {
    const product = await start({ LOG_LEVEL: "debug", LB_STRATEGY: "ml", MODEL_PATH: join(directory, "no-model") });
    const [first] = (await product.status()).workers;
    // The runtime prints a report of its own before it dies of that.
    process.kill(first.pid, "SIGSEGV");
    await until(() => product.said("worker died") !== undefined);
    await until(async () => (await product.status()).workers.every(({ state }) => state === "ready"));
    await product.reload({ APP_PORT: "no port" });
    await product.reload({ APP_PORT: "0", LOG_LEVEL: "info" });
    await ask(product, "x", 5);
    product.process.kill("SIGTERM");
    await product.process.exited;
    await until(() => product.said("stopped") !== undefined);
    const lines = product.stderr.trimEnd().split("\n");
    expect(lines.length).toBeGreaterThan(5);
    for (const line of lines) {
      const said = JSON.parse(line) as Record<string, unknown>;
      expect(said).toMatchObject({ level: expect.any(String), time: expect.any(String), msg: expect.any(String) });
    }
    expect(product.lines.some(({ printed }) => String(printed).includes("Bun"))).toBe(true);
  });
});
