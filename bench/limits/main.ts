/**
 * How exact rate limits are that instances share in Redis: several instances in this process, each with a worker's part and its own
 * connection to a real Redis, are asked for more than is allowed. What passed is compared with what one exact limit would have let
 * pass of the same requests, in all and in every window of every key.
 */
import { parseArgs } from "node:util";
import { RedisClient } from "bun";
import { openRedis } from "../../src/cluster/redis/link.ts";
import { LimitSharing } from "../../src/control/rate-limits/sharing.ts";
import { limitShape, type WorkerRateLimit } from "../../src/protocol/rate-limit.ts";
import { gcraTerms } from "../../src/shared/memory/rate-limits/gcra.ts";
import { halfSipHash, KeyHash } from "../../src/shared/memory/rate-limits/half-sip-hash.ts";
import { Verdict } from "../../src/shared/memory/rate-limits/limit-counts.ts";
import { limitMemory, SharingWord } from "../../src/shared/memory/rate-limits/limit-file.ts";
import { SharedRateCounts } from "../../src/shared/memory/rate-limits/sharing/rate-counts.ts";
import { RedisServer } from "../../test/support/databases/redis-server.ts";
import { ExactLimit } from "../../test/support/rate-limits/exact-limit.ts";

const HELP = `  npm run bench:limits -- [options]

  --instances N  how many share the limit (default 8)
  --keys N       how many are asked for (default 1000)
  --rate N       requests a minute and key that are allowed, and the burst (default 120)
  --asked N      requests a second, of all keys together (default: four times of what is allowed)
  --keys-by P    which keys are asked for: turn, random, or zipf: the n-th as often as 1/n (default turn)
  --max-keys N   room in each instance's table (default: four times the keys)
  --seconds N    for how long (default 60)
`;

const SECRET = { k0: 3, k1: 5 };
/** How often requests come. */
const STEP_MS = 5;

interface Options {
  readonly instances: number;
  readonly keys: number;
  readonly rate: number;
  readonly asked: number;
  readonly keysBy: string;
  readonly maxKeys: number;
  readonly seconds: number;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      help: { type: "boolean", short: "h" },
      instances: { type: "string", default: "8" },
      keys: { type: "string", default: "1000" },
      rate: { type: "string", default: "120" },
      asked: { type: "string" },
      "keys-by": { type: "string", default: "turn" },
      "max-keys": { type: "string" },
      seconds: { type: "string", default: "60" },
    },
  });
  if (values.help) {
    console.log(HELP);
    return;
  }
  const { instances, seconds } = values;
  const [keys, rate] = [Number(values.keys), Number(values.rate)];
  const redis = await RedisServer.start();
  try {
    await measure(redis, {
      instances: Number(instances),
      keys,
      rate,
      asked: Number(values.asked ?? (4 * rate * keys) / 60),
      keysBy: values["keys-by"],
      maxKeys: Number(values["max-keys"] ?? 4 * keys),
      seconds: Number(seconds),
    });
  } finally {
    await redis.remove();
  }
}

async function measure(redis: RedisServer, options: Options): Promise<void> {
  const { instances, keys, rate, asked, keysBy, seconds } = options;
  const all = await startInstances(redis, options);
  const hashes = Array.from({ length: keys }, (_, key) => {
    const hash = new KeyHash();
    const name = Buffer.from(`key ${key}`);
    halfSipHash(SECRET, name, 0, name.length, hash);
    return hash;
  });
  const next = chooser(keysBy, keys);
  const exact = new ExactLimit(keys, rate, 60_000, rate);
  const client = new RedisClient(`redis://${redis.addr}`);
  const before = await infoOf(client);
  const cpuBefore = process.cpuUsage();
  const startMs = performance.now();
  let [count, owed, clientsMs, longestMs, most] = [0, 0, 0, 0, { bytes: 0, keys: 0 }];
  let sampledMs = startMs;
  for (let lastMs = startMs; performance.now() - startMs < seconds * 1000; ) {
    await Bun.sleep(STEP_MS);
    const nowMs = performance.now();
    longestMs = Math.max(longestMs, nowMs - lastMs);
    owed += (asked * (nowMs - lastMs)) / 1000;
    lastMs = nowMs;
    for (; owed >= 1; owed--, count++) {
      const key = next(count);
      const atMs = performance.now();
      const { counts } = all[(count * 31 + (count >> 7)) % instances];
      exact.request(key, atMs, counts.take(hashes[key], bootMsAt(atMs), true) === Verdict.ALLOWED);
    }
    clientsMs += performance.now() - nowMs;
    if (nowMs - sampledMs < 1000) continue;
    sampledMs = nowMs;
    const { bytes, stored } = await infoOf(client);
    if (bytes > most.bytes) most = { bytes, keys: stored };
  }
  const tookMs = performance.now() - startMs;
  const { user, system } = process.cpuUsage(cpuBefore);
  const after = await infoOf(client);
  client.close();
  for (const { sharing, link } of all) {
    sharing.stop();
    link.close();
  }

  const percent = (part: number): string => `${(part * 100).toFixed(2)} %`;
  const exceeded = exact.exceeded().map(({ factor, keys: some }) => `${percent(factor)}: ${some}`);
  console.log(
    `${instances} instances, ${keys} keys by ${keysBy}, ${rate} a minute each: ${count} requests in ${(tookMs / 1000).toFixed(1)} s, none for ${longestMs.toFixed(0)} ms at most`,
  );
  console.log(`passed ${exact.passed}, an exact limit ${exact.allowed} of them: ${percent(exact.error)}`);
  console.log(`keys with a window above so much of the limit: ${exceeded.join(", ")}`);
  const rounds = ((user + system) / 1000 - clientsMs) / tookMs;
  console.log(
    `CPU of all rounds: ${percent(rounds)} of a core; of Redis: ${percent((after.cpuMs - before.cpuMs) / tookMs)}`,
  );
  console.log(
    `memory of Redis: ${((most.bytes - before.bytes) / 2 ** 20).toFixed(1)} MiB at most, for ${most.keys} keys, ${((most.bytes - before.bytes) / Math.max(1, most.keys)).toFixed(0)} bytes each`,
  );
}

function bootMsAt(nowMs: number): number {
  return nowMs + 1e7;
}

async function startInstances(redis: RedisServer, { instances, rate, maxKeys }: Options) {
  const limit = limitOf(rate, maxKeys);
  const bootMs = (): number => bootMsAt(performance.now());
  const terms = gcraTerms(rate, 60_000, rate);
  const all = Array.from({ length: instances }, (_, i) => {
    const memory = limitMemory(limitShape(limit), SECRET);
    const link = openRedis(redis.place());
    const log = { warn: (fields: object, text: string) => console.error(text, fields), info: () => {} };
    const sharing = new LimitSharing({ link, cluster: "bench", id: String(i), bootMs, alone: () => false, log });
    sharing.set([{ limit, memory }]);
    return { sharing, link, words: memory.sharing.words, counts: new SharedRateCounts(memory, terms, limit.shared!) };
  });
  while (!all.every(({ words }) => words[SharingWord.INSTANCES] === instances)) await Bun.sleep(10);
  return all;
}

/** Which key the n-th request is for. */
function chooser(by: string, keys: number): (n: number) => number {
  if (by === "turn") return (n) => (n * 7919) % keys;
  if (by === "random") return () => Math.floor(Math.random() * keys);
  if (by !== "zipf") throw new Error(`--keys-by is turn, random or zipf, not ${by}`);
  const sums = new Float64Array(keys);
  let sum = 0;
  for (let key = 0; key < keys; key++) {
    sum += 1 / (key + 1);
    sums[key] = sum;
  }
  return () => {
    const wanted = Math.random() * sum;
    let [low, high] = [0, keys - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sums[middle] < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}

/** What Redis says of itself. */
async function infoOf(client: RedisClient): Promise<{ bytes: number; stored: number; cpuMs: number }> {
  const text = String(await client.send("INFO", ["all"]));
  const figure = (name: string): number => Number(new RegExp(`^${name}:([\\d.]+)`, "m").exec(text)?.[1] ?? 0);
  const stored = Number(await client.send("DBSIZE", []));
  const cpuMs = (figure("used_cpu_user") + figure("used_cpu_sys")) * 1000;
  return { bytes: figure("used_memory"), stored, cpuMs };
}

function limitOf(requests: number, maxKeys: number): WorkerRateLimit {
  return {
    name: "bench",
    file: "bench",
    mode: "enforce",
    quota: { kind: "rate", requests, periodMs: 60_000, burst: requests },
    key: [],
    routes: [],
    pools: [],
    clients: [],
    exempt: [],
    ipv4Prefix: 32,
    ipv6Prefix: 64,
    maxKeys,
    whenFull: "forget",
    fields: false,
    shared: { whenAway: "local", advancePercent: 10 },
  };
}

await main();
