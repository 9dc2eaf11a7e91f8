/**
 * One of three instances loses its way to the Redis of all, which the others still have: packets vanish, as where a cable is pulled.
 * Redis is in a network namespace of its own, to which two ways lead.
 */
import { afterAll, beforeAll, describe, test } from "bun:test";
import { hasRedis, RedisServer } from "../../support/databases/redis-server.ts";
import { spawn, spawnSync } from "../../support/processes.ts";
import { Instances } from "./instances.ts";

/** Both ends of the two ways, in a block that is for measuring networks and is nobody's (RFC 2544). */
const WAYS = [
  { near: "198.18.213.1", far: "198.18.213.2" },
  { near: "198.18.213.5", far: "198.18.213.6" },
] as const;
const HOLD = ["unshare", "--net", "sleep", "600"];

const isPossible = ["unshare", "nsenter", "ip"].every((one) => Bun.which(one) !== null) && mayJoinNetworks();
// Where the whole suite must hold it has to be.
const isSkipped = !hasRedis || (!isPossible && !(process.env.CI && process.getuid?.() === 0));
if (isSkipped)
  console.warn("SKIPPED: no network namespaces can be made and joined here, so no instance is cut off from Redis");

/** Whether a pair of devices can be made. */
function mayJoinNetworks(): boolean {
  const name = deviceOf(9);
  const isMade = spawnSync(["ip", "link", "add", name, "type", "veth", "peer", "name", `${name}f`]).success;
  if (isMade) spawnSync(["ip", "link", "delete", name]);
  return isMade;
}

function deviceOf(way: number): string {
  return `nb${process.pid}w${way}`;
}

function run(...command: string[]): void {
  const { success, stderr } = spawnSync(command, { stdout: "ignore", stderr: "pipe" });
  if (!success) throw new Error(`${command.join(" ")}: ${stderr}`);
}

/** Ends with the process that holds it, and both ways with it. */
class Island {
  readonly #holder = spawn(HOLD, { stdout: "ignore", stderr: "ignore" });

  get inside(): readonly string[] {
    return ["nsenter", "--target", `${this.#holder.pid}`, "--net"];
  }

  join(): void {
    run(...this.inside, "ip", "link", "set", "lo", "up");
    for (const [way, { near, far }] of WAYS.entries()) {
      const [here, there] = [deviceOf(way), `${deviceOf(way)}f`];
      run("ip", "link", "add", here, "type", "veth", "peer", "name", there, "netns", `${this.#holder.pid}`);
      run("ip", "address", "add", `${near}/30`, "dev", here);
      run("ip", "link", "set", here, "up");
      run(...this.inside, "ip", "address", "add", `${far}/30`, "dev", there);
      run(...this.inside, "ip", "link", "set", there, "up");
    }
  }

  /** What goes this way vanishes, or arrives again. */
  cut(way: number, isCut: boolean): void {
    run(...this.inside, "ip", "link", "set", `${deviceOf(way)}f`, isCut ? "down" : "up");
  }

  async end(): Promise<void> {
    for (const way of WAYS.keys()) spawnSync(["ip", "link", "delete", deviceOf(way)], { stderr: "ignore" });
    this.#holder.kill("SIGKILL");
    await this.#holder.exited;
  }
}

describe.skipIf(isSkipped)("an instance that is cut off from Redis", () => {
  let island: Island;
  let redis: RedisServer;
  let instances: Instances;
  beforeAll(async () => {
    island = new Island();
    island.join();
    redis = await RedisServer.start(null, null, ["--protected-mode", "no", "--bind", "*"], {
      by: island.inside,
      host: WAYS[0].far,
    });
    const settings = WAYS.map(({ far }) => ({ REDIS_ADDR: `${far}:${redis.port}` }));
    instances = await Instances.start([settings[0], settings[0], settings[1]]);
  }, 240_000);
  afterAll(async () => {
    await instances?.end();
    await redis?.remove();
    await island?.end();
  }, 120_000);

  test("goes on alone, as the others do without it; then they are three again", async () => {
    const [first, second, third] = instances.products;
    island.cut(1, true);
    await instances.alone(/no (connection|answer) within 400 ms|does not answer/, [third]);
    await instances.together([first, second]);
    await instances.flow();
    island.cut(1, false);
    await instances.together();
  }, 120_000);

  test("does so with all others, when all ways are cut", async () => {
    for (const way of WAYS.keys()) island.cut(way, true);
    await instances.alone(/no (connection|answer) within 400 ms|does not answer/);
    for (const way of WAYS.keys()) island.cut(way, false);
    await instances.together();
  }, 120_000);
});
