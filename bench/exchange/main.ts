/**
 * What the exchange of numbers costs (docs/cluster.md): Redis's processor time, traffic and memory, and an instance's own time, for fleets
 * and clusters of several sizes. Instances are objects of this process; the clock of Redis is theirs, so that they add up as often
 * as they would at ten rounds a second, however fast this machine is.
 *
 *     npm run bench:exchange -- [--rounds 20] [--sizes 10x8,100x10,1000x10,1000x100]
 */
import { parseArgs } from "node:util";
import { RedisClient } from "bun";
import { seededRandom } from "../../src/balancing/random.ts";
import { Exchange } from "../../src/cluster/exchange/exchange.ts";
import { emptyFigures } from "../../src/cluster/exchange/figures.ts";
import { serverHash } from "../../src/cluster/exchange/layout.ts";
import { RedisServer } from "../../test/support/databases/redis-server.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "20" },
    sizes: { type: "string", default: "10x8,100x10,1000x10,1000x30,1000x100" },
  },
});
/** Rounds of an instance in a second, as in the product. */
const PER_SECOND = 10;
const redis = await RedisServer.start();
const client = new RedisClient(`redis://${redis.addr}`);
await client.connect();
try {
  console.log(
    "| servers | instances | Redis, of a core | to Redis | from Redis | kept there | an instance, of a core |",
  );
  console.log("|---|---|---|---|---|---|---|");
  for (const size of values.sizes.split(",")) {
    const [servers, instances] = size.split("x").map(Number);
    console.log(await measure(servers, instances, Number(values.rounds)));
  }
} finally {
  client.close();
  await redis.remove();
}

async function measure(servers: number, instances: number, rounds: number): Promise<string> {
  await client.send("FLUSHALL", []);
  let redisMs = 1_700_000_000_000;
  const hashes = Array.from({ length: servers }, (_, i) => serverHash("default", `http://s${i}:80`, `10.0.0.${i}`));
  const slotOf = new Map(hashes.map((hash, slot) => [hash, slot]));
  const sha = new Map<string, string>();
  const link = {
    // The clock stands where scripts are made: one for each tenth of a second would be another script each time.
    eval: async (script: string, keys: readonly string[], args: readonly string[]) => {
      const own = script.replace("redis.call('TIME')", "{redis.call('HGET', KEYS[6], 's') or 0, 0}");
      const known = sha.get(own) ?? ((await client.send("SCRIPT", ["LOAD", own])) as string);
      sha.set(own, known);
      return client.send("EVALSHA", [known, String(keys.length), ...keys, ...args]);
    },
  };
  const random = seededRandom(1).next;
  const all = Array.from({ length: instances }, (_, i) => {
    const figures = emptyFigures(servers);
    figures.known.fill(1);
    const id = (i + 1).toString(16).padStart(16, "0");
    const exchange = new Exchange({ link, cluster: "bench", id, slots: servers, nowMs: () => redisMs });
    return { figures, exchange };
  });
  const tick = async (): Promise<void> => {
    redisMs += 1000 / PER_SECOND / instances;
    await client.send("HSET", ["neurabalancer:1:{bench}:adding", "s", String(Math.floor(redisMs) / 1000)]);
  };
  const description = { name: "instance", version: "0.1.0", sinceMs: 0, figures: { in_flight: 1000 } };
  const run = async (count: number): Promise<void> => {
    for (let round = 0; round < count; round++) {
      for (const { figures, exchange } of all) {
        for (let slot = 0; slot < servers; slot++) {
          figures.inFlight[slot] = 40 * random() * random();
          figures.workInFlight[slot] = figures.inFlight[slot] * 1100;
          figures.transferring[slot] = figures.inFlight[slot] / 8;
        }
        await tick();
        await exchange.round({ slotOf, figures }, () => description);
      }
    }
  };
  await run(3);
  const before = await usage();
  const own = process.cpuUsage();
  for (let i = 0; i < rounds * instances; i++) await tick();
  const ticks = { redis: await usage(), own: process.cpuUsage(own) };
  await run(rounds);
  const after = await usage();
  const used = process.cpuUsage(own);
  const perSecond = PER_SECOND / rounds;
  const cpu = (after.cpuSeconds - ticks.redis.cpuSeconds - (ticks.redis.cpuSeconds - before.cpuSeconds)) * perSecond;
  const input = (after.input - ticks.redis.input - (ticks.redis.input - before.input)) * perSecond;
  const output = (after.output - ticks.redis.output - (ticks.redis.output - before.output)) * perSecond;
  const ownSeconds = (used.user + used.system - 2 * (ticks.own.user + ticks.own.system)) / 1e6 / instances;
  const mb = (bytes: number) => `${(bytes / 1e6).toFixed(2)} MB/s`;
  const cells = [
    servers,
    instances,
    `${(100 * cpu).toFixed(1)} %`,
    mb(input),
    mb(output),
    `${(after.memory / 1e6).toFixed(1)} MB`,
    `${(100 * ownSeconds * perSecond).toFixed(1)} %`,
  ];
  return `| ${cells.join(" | ")} |`;
}

async function usage(): Promise<{ cpuSeconds: number; input: number; output: number; memory: number }> {
  const text = String(await client.send("INFO", ["everything"]));
  const of = (name: string) => Number(new RegExp(`^${name}:([0-9.]+)`, "m").exec(text)?.[1]);
  return {
    cpuSeconds: of("used_cpu_user_main_thread") + of("used_cpu_sys_main_thread"),
    input: of("total_net_input_bytes"),
    output: of("total_net_output_bytes"),
    memory: of("used_memory_dataset"),
  };
}
