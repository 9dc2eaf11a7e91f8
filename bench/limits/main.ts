/**
 * How exact rate limits are that instances share in Redis: several instances in this process, each with a worker's part and its own
 * connection to a real Redis, are asked for four times what is allowed, for keys that come to any of them. What passed is compared with
 * what one exact limit would have let pass, in all and in every window.
 */
import { parseArgs } from "node:util";
import { openRedis } from "../../src/cluster/redis/link.ts";
import { LimitSharing } from "../../src/control/rate-limits/sharing.ts";
import { limitShape, type WorkerRateLimit } from "../../src/protocol/rate-limit.ts";
import { gcraTerms } from "../../src/shared/memory/rate-limits/gcra.ts";
import { halfSipHash, KeyHash } from "../../src/shared/memory/rate-limits/half-sip-hash.ts";
import { limitMemory, SharingWord } from "../../src/shared/memory/rate-limits/limit-file.ts";
import { Verdict } from "../../src/shared/memory/rate-limits/rate-counts.ts";
import { SharedRateCounts } from "../../src/shared/memory/rate-limits/shared-rate-counts.ts";
import { RedisServer } from "../../test/support/databases/redis-server.ts";

const HELP = `  npm run bench:limits -- [options]

  --instances N  how many share the limit (default 8)
  --keys N       how many are asked for (default 1000)
  --rate N       requests a minute and key that are allowed, and the burst (default 120)
  --seconds N    for how long (default 60)
`;

const SECRET = { k0: 3, k1: 5 };
/** How often keys are asked for, and of how many such steps windows are. */
const STEP_MS = 20;

interface Options {
  readonly instances: number;
  readonly keys: number;
  readonly rate: number;
  readonly seconds: number;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      help: { type: "boolean", short: "h" },
      instances: { type: "string", default: "8" },
      keys: { type: "string", default: "1000" },
      rate: { type: "string", default: "120" },
      seconds: { type: "string", default: "60" },
    },
  });
  if (values.help) {
    console.log(HELP);
    return;
  }
  const { instances, keys, rate, seconds } = values;
  const redis = await RedisServer.start();
  try {
    await measure(redis, { instances: +instances, keys: +keys, rate: +rate, seconds: +seconds });
  } finally {
    await redis.remove();
  }
}

async function measure(redis: RedisServer, { instances, keys, rate, seconds }: Options): Promise<void> {
  const limit = limitOf(rate, 4 * keys);
  const bootMs = (): number => performance.now() + 1e7;
  const terms = gcraTerms(rate, 60_000, rate);
  const all = Array.from({ length: instances }, (_, i) => {
    const memory = limitMemory(limitShape(limit), SECRET);
    const link = openRedis(redis.place());
    const log = { warn: (_: object, text: string) => console.error(text), info: () => {} };
    const sharing = new LimitSharing({ link, id: String(i), bootMs, log });
    sharing.set([{ limit, memory }]);
    return { sharing, words: memory.sharing.words, counts: new SharedRateCounts(memory, terms, limit.shared!) };
  });
  while (!all.every(({ words }) => words[SharingWord.INSTANCES] === instances)) await Bun.sleep(10);

  const hashes = Array.from({ length: keys }, (_, key) => {
    const hash = new KeyHash();
    const name = Buffer.from(`key ${key}`);
    halfSipHash(SECRET, name, 0, name.length, hash);
    return hash;
  });
  // What an exact limit would have let pass, by key: the burst, and then the rate.
  const passed = new Float64Array(keys);
  let asked = 0;
  let owed = 0;
  let worst = 0;
  const cpuBefore = process.cpuUsage();
  const startMs = performance.now();
  for (let lastMs = startMs; performance.now() - startMs < seconds * 1000; ) {
    await Bun.sleep(STEP_MS);
    const nowMs = performance.now();
    owed += (4 * rate * keys * (nowMs - lastMs)) / 60_000;
    lastMs = nowMs;
    for (; owed >= 1; owed--, asked++) {
      const key = (asked * 7919) % keys;
      const { counts } = all[(asked * 31 + (asked >> 7)) % instances];
      if (counts.take(hashes[key], bootMs(), true) === Verdict.ALLOWED) passed[key]++;
    }
    const exact = rate + (rate * (nowMs - startMs)) / 60_000;
    for (let key = 0; key < keys; key += 17) worst = Math.max(worst, passed[key] / exact);
  }
  const tookMs = performance.now() - startMs;
  const { user, system } = process.cpuUsage(cpuBefore);
  for (const { sharing } of all) sharing.stop();
  const most = rate + (rate * tookMs) / 60_000;
  const exact = Math.min(most, asked / keys) * keys;
  const total = passed.reduce((sum, one) => sum + one, 0);
  const percent = (part: number): string => `${(part * 100).toFixed(2)} %`;
  console.log(
    `${instances} instances, ${keys} keys, ${rate} a minute each: ${asked} requests in ${(tookMs / 1000).toFixed(1)} s`,
  );
  console.log(
    `passed ${total} of ${exact.toFixed(0)} that an exact limit would have let pass: ${percent(total / exact - 1)}`,
  );
  console.log(`a key's most since the start, against an exact limit: ${percent(worst)}`);
  console.log(`CPU of this process, clients included: ${percent((user + system) / 1000 / tookMs)}`);
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
