/** Instances on one Redis share a model: one learns from its traffic, all route by what it promoted, and another goes on when it dies. */
import { describe, expect, test } from "bun:test";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ClusterModelState } from "../../../src/shared/explanation/learned.ts";
import { hasRedis, RedisServer } from "../../support/databases/redis-server.ts";
import { endedAfterAll } from "../../support/ended-after-all.ts";
import { spawnSync } from "../../support/processes.ts";
import { until as patiently } from "../../support/until.ts";
import { Load, Product, request, type Scripted, serversOn, startScripted } from "../fixture.ts";
import { estimatorTimes, FAST, learning, leave, modelsIn, order, serving, until, verdicts } from "./fixture.ts";

const open = endedAfterAll();

interface Instance {
  readonly name: string;
  readonly product: Product;
  readonly dataDir: string;
}

/** Waits while the store is being opened. */
const clusterOf = ({ product }: Instance): Promise<ClusterModelState> =>
  patiently(async () => {
    const { models } = await learning(product);
    return (models as unknown as { cluster: ClusterModelState } | null)?.cluster;
  });

const all = async (instances: readonly Instance[], holds: (state: ClusterModelState) => boolean): Promise<boolean> =>
  (await Promise.all(instances.map(clusterOf))).every(holds);

async function leaderOf(instances: readonly Instance[]): Promise<Instance | undefined> {
  const states = await Promise.all(instances.map(clusterOf));
  return instances.find((_, i) => states[i].leading);
}

async function start(name: string, redis: RedisServer, servers: readonly Scripted[]): Promise<Instance> {
  const dataDir = join(tmpdir(), `nb-drill-cluster-${process.pid}-${name}`);
  const product = new Product({
    ...FAST,
    ML_JUDGE_SPEED: "40",
    WORKERS: "1",
    SERVERS: serversOn(...servers),
    DATA_DIR: dataDir,
    INSTANCE_NAME: name,
    REDIS_ADDR: redis.addr,
    CLUSTER_NAME: "drill",
    CLUSTER_SHARE: "model",
  });
  open.push({
    end: async () => {
      await product.end();
      spawnSync(["rm", "-rf", dataDir]);
    },
  });
  return { name, product: await product.ready(), dataDir };
}

describe.skipIf(!hasRedis)("instances that share a model", () => {
  test("one trains and all use what it promotes; an order is for all; another trains when it dies", async () => {
    const redis = await RedisServer.start();
    open.push({ end: () => redis.remove() });
    const servers = await startScripted(serving(10, 1), serving(10, 2), serving(40, 3));
    open.push({ end: () => Promise.all(servers.map((server) => server.stop())) });
    const wrong = await leave(join(tmpdir(), `nb-drill-cluster-${process.pid}-a`), estimatorTimes(-1), "champion");
    const a = await start("a", redis, servers);
    // Who is alone leads at once, whatever it has: b would, if it reached Redis before a.
    await until(async () => (await clusterOf(a)).leading);
    const b = await start("b", redis, servers);
    const c = await start("c", redis, servers);
    const three = [a, b, c];

    // Whoever has learned something already leads, and the others take its champion, wrong as it is.
    await until(() => all(three, ({ follows, leader }) => follows && leader?.name === "a"));
    expect((await learning(a.product)).models!.champion).toBe(wrong);
    const { revision: first } = await clusterOf(a);

    // It has the traffic, takes the champion out, and finds a better one: for all, whether they have traffic or not.
    const running = new Load(300, () => request(a.product.port));
    await until(async () => (await learning(a.product)).models!.champion !== wrong);
    const seen = await running.stop();
    expect(seen.why).toEqual({});
    await until(() => all(three, ({ follows, revision }) => follows && revision !== null && revision > first!));
    for (const { product, dataDir } of [b, c]) {
      const { champion } = (await learning(product)).models!;
      const model = (await modelsIn(dataDir)).find(({ version }) => version === champion);
      expect(model).toMatchObject({ origin: "cluster", status: "champion" });
      expect(model?.report).toMatchObject({ cluster: { instance: "a", kind: "promoted" } });
      expect((await verdicts(product)).find(({ kind }) => kind === "promoted")?.reason).toContain("promoted at a");
      expect(await product.metric("ml_trainings_total")).toBe(0);
    }
    expect((await order(b.product, "train")).message).toContain("instance a trains for the cluster");

    // What an operator orders at one is for all.
    const { revision: second } = await clusterOf(a);
    const said = await order(b.product, "rollback");
    expect(said).toMatchObject({ status: 200 });
    await until(() =>
      all(
        three,
        ({ follows, source, revision }) =>
          follows && source?.by === "operator" && source.instance === "b" && revision! > second!,
      ),
    );

    // The leader is stopped past its lease: another leads, and it follows when it goes on.
    const { token } = await clusterOf(a);
    const stopped = [(await a.product.status()).pid, (await learning(a.product)).learner.pid];
    for (const pid of stopped) process.kill(pid, "SIGSTOP");
    const heir = await patiently(() => leaderOf([b, c]));
    // It has traffic from now on: the one that was stopped had some a moment ago, and would be left the lead for that.
    await until(async () => {
      await request(heir.product.port);
      return (await heir.product.metric("ml_samples_kept_total")) > 0;
    });
    for (const pid of stopped) process.kill(pid, "SIGCONT");
    await until(() => all(three, ({ leader, follows }) => leader?.name === heir.name && follows));
    expect((await clusterOf(heir)).token).toBeGreaterThan(token!);

    // It dies as a whole.
    heir.product.process.kill("SIGKILL");
    const left = three.filter((one) => one !== heir);
    await until(() => leaderOf(left));
  }, 400_000);
});
