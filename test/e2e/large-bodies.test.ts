/** Large bodies keep their hash and pass in bounded memory. 64 MB; 1 GB with E2E_LARGE=1. */
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { closeSync, openSync, rmSync, writeSync } from "node:fs";
import { run, Scratch } from "../support/processes.ts";
import { until } from "../support/until.ts";
import { growthDuring, Product } from "./support/product.ts";
import { describeWith, pathOf } from "./support/programs.ts";
import { startNginx, startPython, type Upstream } from "./support/servers.ts";
import { writeSite } from "./support/site.ts";

const MB = 1_000_000;
const LARGE = process.env.E2E_LARGE === "1";
const SIZE = (LARGE ? 1024 : 64) * MB;
const PIECE = 16 * MB;
/** What a client at this rate (bytes per second) may make the workers grow by: far less than the size. */
const SLOW = LARGE ? { rate: 48 * MB, growthBound: 150 * MB } : { rate: 24 * MB, growthBound: 40 * MB };
/** At full speed garbage piles up between two collections; with a small body that is as much as the body. */
const FAST_GROWTH_BOUND = LARGE ? SIZE / 2 : Number.POSITIVE_INFINITY;
/** What may stay when nothing happens any more. */
const REMAINDER_BOUND = 40 * MB;
const TIMEOUT_MS = LARGE ? 180_000 : 110_000;

/** Writes random bytes, so that no piece can stand in for another. @returns their SHA-256. */
function writeRandom(path: string): string {
  const hash = new Bun.CryptoHasher("sha256");
  const fd = openSync(path, "w");
  const piece = Buffer.alloc(PIECE);
  for (let i = 0; i < SIZE / PIECE; i++) {
    for (let at = 0; at < PIECE; at += 50_000) crypto.getRandomValues(piece.subarray(at, at + 50_000));
    hash.update(piece);
    writeSync(fd, piece);
  }
  closeSync(fd);
  return hash.digest("hex");
}

async function sha256(file: string): Promise<string> {
  const hash = new Bun.CryptoHasher("sha256");
  for await (const piece of Bun.file(file).stream()) hash.update(piece);
  return hash.digest("hex");
}

describeWith(["curl", "nginx", "python3"], `bodies of ${SIZE / MB} MB`, () => {
  const scratch = new Scratch();
  const root = scratch.file("root");
  const original = scratch.file("root/original.bin");
  const copy = scratch.file("copy.bin");
  let hash: string;
  let servers: Upstream[] = [];
  /** In front of nginx, in front of Python. */
  let products: Product[] = [];
  let memoryBefore: number[] = [];

  beforeAll(async () => {
    writeSite(root);
    hash = writeRandom(original);
    servers = await Promise.all([startNginx(root, scratch), startPython(root)]);
    products = await Promise.all(servers.map(({ url }) => Product.start([url])));
    memoryBefore = products.map((product) => product.workerMemory());
  }, TIMEOUT_MS);

  afterEach(() => {
    rmSync(copy, { force: true });
    rmSync(`${root}/up/copy.bin`, { force: true });
  });

  afterAll(async () => {
    await Promise.all(products.map((product) => product.stop()));
    await Promise.all(servers.map((server) => server.stop()));
    scratch.remove();
  });

  /** Runs curl and says by how much the workers' memory grew meanwhile. */
  async function transfer(name: string, product: Product, args: readonly string[]): Promise<number> {
    const command = [pathOf("curl"), "-sS", "--fail", "--max-time", "170", ...args];
    const startedMs = performance.now();
    const growth = await growthDuring(
      () => product.workerMemory(),
      async () => {
        const { code, stderr } = await run(command, { deadlineMs: TIMEOUT_MS });
        if (code !== 0) throw new Error(`curl ended with ${code}: ${stderr}`);
      },
    );
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
    console.log(`${name}: ${SIZE / MB} MB in ${seconds} s, the workers grew by ${(growth / MB).toFixed(1)} MB`);
    return growth;
  }

  for (const [index, server] of ["nginx", "Python"].entries()) {
    test(
      `down from ${server}`,
      async () => {
        const product = products[index];
        const growth = await transfer(`down from ${server}`, product, ["-o", copy, `${product.url}/original.bin`]);
        expect(growth).toBeLessThan(FAST_GROWTH_BOUND);
        expect(await sha256(copy)).toBe(hash);
      },
      TIMEOUT_MS,
    );
  }

  test(
    "down to a client that is slower than the server",
    async () => {
      const args = ["--limit-rate", String(SLOW.rate), "-o", copy, `${products[0].url}/original.bin`];
      expect(await transfer("down, slowly", products[0], args)).toBeLessThan(SLOW.growthBound);
      expect(await sha256(copy)).toBe(hash);
    },
    TIMEOUT_MS,
  );

  for (const [name, args] of [
    ["with its length", ["-T", original]],
    ["in chunks", ["-H", "Transfer-Encoding: chunked", "-T", original]],
  ] as const) {
    test(
      `up ${name}`,
      async () => {
        const to = `${products[0].url}/up/copy.bin`;
        const growth = await transfer(`up ${name}`, products[0], [...args, "-o", "/dev/null", to]);
        expect(growth).toBeLessThan(FAST_GROWTH_BOUND);
        expect(await sha256(`${root}/up/copy.bin`)).toBe(hash);
      },
      TIMEOUT_MS,
    );
  }

  test("nothing is left: no request, no memory, no complaint", async () => {
    for (const [index, product] of products.entries()) {
      await until(async () => (await product.servers()).every(({ active_connections }) => active_connections === 0));
      await until(() => product.workerMemory() - memoryBefore[index] < REMAINDER_BOUND);
      expect(product.complaints()).toEqual([]);
    }
  });
});
