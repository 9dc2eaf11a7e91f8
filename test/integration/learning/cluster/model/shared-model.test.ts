/** Instances that share a pool's model over a real Redis: who trains, what the others take, and what becomes of it when something dies. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { RedisClient } from "bun";
import { openRedis } from "../../../../../src/cluster/redis/link.ts";
import { ModelRegistry, type ScriptLink } from "../../../../../src/learning/cluster/model/model-registry.ts";
import { readSharedModelNote } from "../../../../../src/learning/cluster/model/note.ts";
import { checksumOf, encodeModel, MOST_FILE_BYTES } from "../../../../../src/learning/cluster/model/published-model.ts";
import { SharedModel } from "../../../../../src/learning/cluster/model/shared-model.ts";
import { hasRedis, RedisServer } from "../../../../support/databases/redis-server.ts";
import { filesOf, NamedModels } from "../../../../support/learning/model-holder.ts";
import { recordingLogger } from "../../../../support/recording-logger.ts";
import { until } from "../../../../support/until.ts";

/** A busy machine may stop a process for a while: long enough that a lease outlives that, short enough to be waited for. */
const TIMES = { roundMs: 50, leaseMs: 1_500, aloneMs: 600_000 } as const;
const LASTING = { leaseMs: TIMES.leaseMs, learnerMs: 1_500, keepMs: 3_600_000 } as const;

let redis: RedisServer;
let cluster = 0;
const ends: (() => unknown)[] = [];
beforeAll(async () => {
  if (hasRedis) redis = await RedisServer.start();
});
beforeEach(() => {
  cluster++;
});
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});
afterAll(async () => {
  await redis?.remove();
});

const place = () => ({ cluster: `test-${cluster}`, pool: "default" });
const key = (what: string) => `neurabalancer:1:{test-${cluster}}:${what}:default`;

function client(): RedisClient {
  const connected = new RedisClient(`redis://${redis.addr}`);
  ends.push(() => connected.close());
  return connected;
}

/** An instance whose champion is called that. It is alive until it is stopped. */
function instance(
  id: string,
  champion: string,
  {
    times = TIMES as typeof TIMES | { aloneMs: number; roundMs: number; leaseMs: number },
    kept = readSharedModelNote(null),
  } = {},
) {
  const holder = new NamedModels(champion);
  const link = openRedis(redis.place());
  /** Questions whose answers have not come. */
  let waiting = 0;
  const counted: ScriptLink = {
    eval: (...question) => {
      waiting++;
      return link.eval(...question).finally(() => waiting--);
    },
  };
  const me = { id, name: `node ${id}` };
  const { log, lines } = recordingLogger();
  const shared = new SharedModel({
    registry: new ModelRegistry(counted, place(), me, LASTING),
    instance: me,
    holder,
    kept,
    log,
    nowMs: () => performance.now(),
    wallMs: () => Date.now(),
    times,
  });
  holder.onChange = (kind, by, reason) => shared.onChampion(kind, by, reason);
  let timer: Timer | null = setInterval(() => shared.tick(), 10);
  /** As a process that is stopped between two rounds: it does nothing, and its clock goes on. */
  const stop = async (): Promise<void> => {
    if (timer !== null) clearInterval(timer);
    timer = null;
    await until(() => waiting === 0);
  };
  const go = (): void => {
    timer ??= setInterval(() => shared.tick(), 10);
  };
  ends.push(async () => {
    await stop();
    await shared.close();
    link.close();
  });
  return { id, holder, shared, lines, stop, go };
}

type Instance = ReturnType<typeof instance>;

const leaders = (all: readonly Instance[]) => all.filter(({ shared }) => shared.describe().leading);

/** One of them leads, and all know which. */
async function settled(all: readonly Instance[]): Promise<Instance> {
  await until(() => {
    const [leader, ...more] = leaders(all);
    return (
      more.length === 0 &&
      leader !== undefined &&
      all.every(({ shared }) => shared.describe().leader?.id === leader.id && shared.describe().follows)
    );
  });
  return leaders(all)[0];
}

describe.skipIf(!hasRedis)("a model that instances share", () => {
  test("one trains, and what it promotes is taken by all", async () => {
    const all = [instance("a", "own a"), instance("b", "own b"), instance("c", "own c")];
    const leader = await settled(all);
    const first = leader.holder.serves;
    expect(all.map(({ holder }) => holder.serves)).toEqual([first, first, first]);
    expect(all.filter(({ shared }) => shared.mayTrain)).toEqual([leader]);
    const other = all.find((one) => one !== leader)!;
    expect(other.shared.whyNot).toBe(`instance node ${leader.id} trains for the cluster: order it there`);

    leader.holder.promote("better");
    await until(() => all.every(({ holder, shared }) => holder.serves === "better" && shared.describe().follows));
    await until(() => leader.shared.describe().current === 3);
    expect(other.shared.describe()).toMatchObject({
      leading: false,
      leader: { id: leader.id, name: `node ${leader.id}` },
      source: { kind: "promoted", by: "judge", instance: `node ${leader.id}`, reason: "it was better" },
      problem: null,
      instances: 3,
      stepped_down: 0,
      away: null,
      alone: false,
    });
  });

  test("when the leader dies another leads, and an old token is refused", async () => {
    const all = [instance("a", "first"), instance("b", "first")];
    const leader = await settled(all);
    const revision = await until(() => leader.shared.describe().revision);
    const { token } = leader.shared.describe();
    await leader.stop();
    const heir = all.find((one) => one !== leader)!;
    await until(() => heir.shared.describe().leading);
    expect(heir.shared.describe().token).toBeGreaterThan(token!);

    const link = openRedis(redis.place());
    ends.push(() => link.close());
    const registry = new ModelRegistry(link, place(), { id: leader.id, name: "the dead" }, LASTING);
    const source = {
      kind: "promoted",
      by: "judge",
      instance: "the dead",
      id: leader.id,
      atMs: Date.now(),
      reason: "late",
    } as const;
    const files = filesOf("late");
    const late = {
      mode: "lead",
      token: token!,
      after: revision,
      floor: 0,
      source,
      checksum: checksumOf(files),
      text: encodeModel({ files, report: null, verdicts: [] }),
    } as const;
    expect(await registry.publish(late)).toEqual({ refused: "lease" });
    expect(heir.holder.serves).toBe("first");
  });

  test("what a leader promotes that was stopped past its lease is given up, and it takes what the others have", async () => {
    const all = [instance("a", "first"), instance("b", "first")];
    const leader = await settled(all);
    await leader.stop();
    const heir = all.find((one) => one !== leader)!;
    await until(() => heir.shared.describe().leading);
    leader.holder.promote("stray");
    leader.go();
    await until(() => leader.holder.serves === "first" && leader.shared.describe().follows);
    expect(leader.shared.describe().leading).toBe(false);
    expect(heir.holder.serves).toBe("first");
    expect(heir.holder.models.size).toBe(1);
  });

  test("an operator's choice at any instance is for all, whoever trains", async () => {
    const all = [instance("a", "first"), instance("b", "first"), instance("c", "first")];
    const leader = await settled(all);
    leader.holder.promote("second");
    await until(() => all.every(({ holder }) => holder.serves === "second"));
    await settled(all);
    const other = all.find((one) => one !== leader)!;
    other.holder.rollBack("operator");
    await until(() => all.every(({ holder, shared }) => holder.serves === "first" && shared.describe().follows));
    expect(leader.shared.describe().source).toMatchObject({
      kind: "rolled_back",
      by: "operator",
      instance: `node ${other.id}`,
    });
    // What was rolled back is not pushed again by judges; an operator may.
    leader.holder.promote("second");
    await until(() => other.shared.describe().problem?.includes("it was worse here"));
    expect(other.holder.serves).toBe("first");
    other.holder.promote("second", "operator");
    await until(() => all.every(({ holder, shared }) => holder.serves === "second" && shared.describe().follows));
  });

  test("one whose judges find it worse goes back alone; when most have, it is withdrawn for all", async () => {
    const all = [instance("a", "first"), instance("b", "first"), instance("c", "first")];
    const leader = await settled(all);
    leader.holder.promote("second");
    await until(() => all.every(({ holder }) => holder.serves === "second"));
    await settled(all);
    const [one, two] = all.filter((any) => any !== leader);
    one.holder.rollBack();
    await until(() => leader.shared.describe().stepped_down === 1);
    expect(one.holder.serves).toBe("first");
    expect(one.shared.describe().follows).toBe(false);
    expect(two.holder.serves).toBe("second");
    two.holder.rollBack();
    await until(() => all.every(({ holder, shared }) => holder.serves === "first" && shared.describe().follows));
    expect(leader.shared.describe().source).toMatchObject({ kind: "rolled_back", by: "judge" });
  });

  test("a Redis that has forgotten everything is told again, under the same number", async () => {
    const all = [instance("a", "first"), instance("b", "first")];
    const leader = await settled(all);
    leader.holder.promote("second");
    await until(() => all.every(({ holder }) => holder.serves === "second"));
    await settled(all);
    const revision = leader.shared.describe().own_revision;
    await client().send("FLUSHALL", []);
    // A new one comes whose number would begin at 1: it takes what was there before.
    const newcomer = instance("n", "of the newcomer");
    await until(() => newcomer.holder.serves === "second");
    await settled([...all, newcomer]);
    for (const { holder, shared } of all) {
      expect(holder.serves).toBe("second");
      await until(() => shared.describe().revision === revision);
    }
  });

  test("rubbish, models of strangers and large ones are not taken, and said once", async () => {
    const one = instance("a", "first");
    await settled([one]);
    const direct = client();
    const revision = await until(() => one.shared.describe().revision);
    const write = (number: number, fields: Record<string, string>) =>
      direct.send("HSET", [key("model"), "revision", String(number), ...Object.entries(fields).flat()]);
    const meta = JSON.stringify({ kind: "promoted", by: "judge", instance: "x", id: "x", atMs: 1, reason: "x" });
    const strange: [Record<string, string>, string][] = [
      [{ checksum: "x", meta, files: "rubbish" }, "is no model"],
      [
        { checksum: "x", meta, files: encodeModel({ files: filesOf("other"), report: null, verdicts: [] }) },
        "checksum",
      ],
      [{ checksum: "x", meta, files: "x".repeat(MOST_FILE_BYTES + 1) }, `more than ${MOST_FILE_BYTES} bytes`],
      [{ checksum: "x", meta: "y".repeat(100_000), files: "" }, "none of ours"],
    ];
    for (const [i, [fields, why]] of strange.entries()) {
      await write(revision + 1 + i, fields);
      await until(() => one.shared.describe().problem?.includes(why));
      expect(one.holder.serves).toBe("first");
    }
    one.holder.unusable.add("broken");
    const files = filesOf("broken");
    await write(revision + 10, {
      checksum: checksumOf(files),
      meta,
      files: encodeModel({ files, report: null, verdicts: [] }),
    });
    await until(() => one.shared.describe().problem?.includes("it cannot be loaded"));
    const said = one.lines.filter(({ message }) => message.includes("is not used here"));
    expect(said).toHaveLength(5);
    // Replies that are none of ours are as no reply.
    await direct.send("HSET", [key("model"), "revision", "no number"]);
    await until(() => one.shared.describe().away === "an answer that is none of ours");
    expect(
      one.lines.filter(({ message, level }) => message.includes("is not shared") && level === "warn"),
    ).toHaveLength(1);
    await direct.send("DEL", [key("model")]);
    await until(() => one.shared.describe().away === null);
  });

  test("numbers and leases that nobody can have given are in nobody's way", async () => {
    const one = instance("a", "first");
    await settled([one]);
    await until(() => one.shared.describe().revision);
    const direct = client();
    for (const number of ["nan", "inf", "-1", "1e300", "999999999999999999"]) {
      await direct.send("SET", [key("revision"), number]);
      await direct.send("HSET", [key("training"), "id", "stranger", "token", number, "since", number, "beat", number]);
      await until(async () => (await direct.send("HGET", [key("training"), "id"])) === "a");
      await until(() => one.shared.describe().leading && one.shared.describe().away === null);
    }
    expect(one.lines.filter(({ message }) => message.includes("is not shared"))).toEqual([]);
  });

  test("without Redis each goes on with what it has, learns for itself after a while, and comes back to the others", async () => {
    const times = { ...TIMES, aloneMs: 2_500 };
    const all = [instance("a", "first", { times }), instance("b", "first", { times })];
    const leader = await settled(all);
    leader.holder.promote("second");
    await until(() => all.every(({ holder }) => holder.serves === "second"));
    await settled(all);
    await redis.kill();
    const other = all.find((one) => one !== leader)!;
    await until(() => all.every(({ shared }) => shared.describe().away !== null));
    expect(other.shared.mayTrain).toBe(false);
    await until(() => all.every(({ shared }) => shared.describe().alone && shared.mayTrain));
    other.holder.promote("alone");
    expect(leader.holder.serves).toBe("second");
    await redis.start(); // with nothing in it
    await until(() => all.every(({ holder, shared }) => holder.serves === "second" && shared.describe().follows));
    await settled(all);
    for (const { lines } of all) {
      // It is the supervisor who says that Redis does not answer.
      expect(lines.filter(({ message, level }) => message.includes("is not shared") && level !== "debug")).toEqual([]);
    }
  });

  test("what was promoted under a lease that ended with its process gives way to what the others have", async () => {
    const [one, other] = [instance("a", "first"), instance("b", "first")];
    const leader = await settled([one, other]);
    const heir = leader === one ? other : one;
    await leader.stop();
    leader.holder.promote("stray");
    await until(() => heir.shared.describe().leading);
    const kept = readSharedModelNote(JSON.parse(JSON.stringify(leader.holder.note)));
    const follower = instance("a2", "stray", { kept });
    await until(() => follower.holder.serves === "first" && follower.shared.describe().follows);
    expect(heir.holder.serves).toBe("first");
  });

  test("a choice of an operator's that Redis could not be told is told later, also by the process that follows", async () => {
    const [one, other] = [instance("a", "first"), instance("b", "first")];
    await settled([one, other]);
    await redis.kill();
    one.holder.promote("chosen", "operator");
    await until(() => one.holder.note?.ordered === true);
    const kept = readSharedModelNote(JSON.parse(JSON.stringify(one.holder.note)));
    await one.stop();
    await redis.start();
    const follower = instance("a2", "chosen", { kept });
    await until(() => other.holder.serves === "chosen");
    await settled([other, follower]);
  });

  test("what an operator chose for one instance stays there, until one chooses for all", async () => {
    const all = [instance("a", "first"), instance("b", "first"), instance("c", "first")];
    const leader = await settled(all);
    const [one, other] = all.filter((any) => any !== leader);
    one.holder.promote("its own", "instance");
    leader.holder.promote("second");
    await until(() => one.shared.describe().problem?.includes("for this instance alone"));
    await until(() => other.holder.serves === "second" && other.shared.describe().follows);
    expect(one.holder.serves).toBe("its own");
    expect(leader.shared.describe().stepped_down).toBe(0);
    expect(one.shared.whyNot).toContain("for this instance alone");
    other.holder.promote("third", "operator");
    await until(() => all.every(({ holder, shared }) => holder.serves === "third" && shared.describe().follows));
  });

  test("who has traffic trains, and not who has none", async () => {
    const [idle, busy] = [instance("a", "first"), instance("b", "first")];
    idle.holder.isBusy = false;
    busy.holder.isBusy = false;
    const leader = await settled([idle, busy]); // where nobody has any, one of them does all the same
    const other = leader === idle ? busy : idle;
    other.holder.isBusy = true;
    await until(() => other.shared.describe().leading && !leader.shared.describe().leading);
  });

  test("who is paused takes only what an operator chose, and does not train", async () => {
    const [one, other] = [instance("a", "first"), instance("b", "first")];
    const leader = await settled([one, other]);
    const paused = leader === one ? other : one;
    paused.holder.isPaused = true;
    leader.holder.promote("second");
    await until(() => paused.shared.describe().problem?.startsWith("paused"));
    expect(paused.holder.serves).toBe("first");
    leader.holder.promote("third", "operator");
    await until(() => paused.holder.serves === "third");
    await leader.stop();
    await until(() => paused.shared.describe().leader === null);
    expect(paused.shared.describe().leading).toBe(false);
    paused.holder.isPaused = false;
    await until(() => paused.shared.describe().leading);
  });
});
