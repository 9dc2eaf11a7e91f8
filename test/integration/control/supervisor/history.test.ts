/** What the supervisor tells the recorder, and what it makes of what the recorder tells. */
import { describe, expect, test } from "bun:test";
import type { EventKind, ServerRow } from "../../../../src/storage/history-store.ts";
import { isAlive, until } from "../processes/fixture.ts";
import { FakeSupervisor } from "./fixture.ts";

const ON = { HISTORY: "on" };

const start = (settings: Record<string, string> = {}) => new FakeSupervisor({ ...ON, ...settings }).started();

interface Shown {
  readonly id: number;
  readonly weight: number;
  readonly configured_weight: number;
  readonly weight_origin: string;
  readonly capacity: number;
  readonly hard_limit: number;
  readonly capacity_origin: string;
}

async function server(supervisor: FakeSupervisor): Promise<Shown> {
  return ((await (await supervisor.get("/api/v1/servers")).json()) as Shown[])[0];
}

function row(values: Partial<ServerRow>): ServerRow {
  return {
    pool: "default",
    host: "127.0.0.1",
    port: 1,
    weight: null,
    capacity: null,
    configuredWeight: 1,
    configuredCapacity: 10,
    firstSeenMs: 0,
    lastSeenMs: 0,
    removedAtMs: null,
    ...values,
  };
}

const ofKind = (supervisor: FakeSupervisor, kind: EventKind) =>
  supervisor.events().filter((event) => event.kind === kind);

/** Waits for an event. */
const event = (supervisor: FakeSupervisor, kind: EventKind, text: string) =>
  until(() => ofKind(supervisor, kind).find(({ message }) => message.includes(text)));

describe("history", () => {
  test("begins with the start and ends with the stop, and who asked for it; the recorder goes last", async () => {
    await using supervisor = await start({ LB_STRATEGY: "round_robin" });
    const began = await event(supervisor, "start", "balancing over 1 server");
    expect(began).toMatchObject({
      actor: "balancer",
      detail: { servers: 1, workers: 2, strategies: { default: "round_robin" } },
    });
    const [first] = supervisor.recorded();
    expect(first).toMatchObject({
      type: "start",
      names: {
        servers: [{ hostname: "127.0.0.1", port: 1, pool: "default", weight: 1, capacity: 10, present: true }],
        pools: [{ row: 0, name: "default" }],
      },
    });
    supervisor.process.kill("SIGTERM");
    expect(await supervisor.exit()).toBe(0);
    expect(supervisor.events().at(-1)).toMatchObject({ kind: "stop", actor: "SIGTERM" });
    expect(supervisor.recorded().at(-1)?.type).toBe("drain");
    expect(supervisor.runtimeDirectories()).toEqual([]);
  });

  test("has of a reload what changed, and of servers that they came and went", async () => {
    await using supervisor = await start();
    await supervisor.reload({
      SERVERS: "http://127.0.0.1:1,http://127.0.0.1:2",
      LB_STRATEGY: "random",
      CONNECT_TIMEOUT_MS: "777",
    });
    const reload = await event(
      supervisor,
      "reload",
      "is in force: 3 settings changed: SERVERS: + http://127.0.0.1:2; LB_STRATEGY:",
    );
    expect(reload).toMatchObject({
      actor: "SIGHUP",
      detail: {
        changes: [
          "SERVERS: + http://127.0.0.1:2",
          "LB_STRATEGY: least_connections → random",
          "CONNECT_TIMEOUT_MS: 2000 → 777",
        ],
      },
    });
    expect(ofKind(supervisor, "change")).toMatchObject([
      { pool: "default", actor: "SIGHUP", message: "the strategy is random; it was least_connections" },
    ]);
    expect(ofKind(supervisor, "server_added")).toMatchObject([
      { pool: "default", server: "127.0.0.1:2", address: "", actor: "SIGHUP" },
    ]);
    const names = () => supervisor.recorded().filter((message) => message.type === "names");
    expect(
      names()
        .at(-1)
        ?.names.servers.map(({ port }) => port),
    ).toEqual([1, 2]);

    await supervisor.reload({ SERVERS: "http://127.0.0.1:2" });
    const left = await event(supervisor, "server_removed", "is there no more");
    expect(left).toMatchObject({ server: "127.0.0.1:1", actor: "SIGHUP" });
    await until(
      () =>
        names()
          .at(-1)
          ?.names.servers.some(({ port, present }) => port === 1 && !present) ?? false,
    );

    await supervisor.reload({ CONNECT_TIMEOUT_MS: "soon" });
    const rejected = await event(supervisor, "reload", "is rejected");
    expect(JSON.stringify(rejected.detail)).toContain("CONNECT_TIMEOUT_MS");
  });

  test("has who changed a server, and what became of it", async () => {
    await using supervisor = await start();
    const { id } = await server(supervisor);
    const init = { method: "PATCH", body: '{"state":"drain"}', headers: { "content-type": "application/json" } };
    expect((await supervisor.get(`/api/v1/servers/${id}`, init)).status).toBe(200);
    expect(await event(supervisor, "change", "state active → drain")).toMatchObject({
      pool: "default",
      server: "127.0.0.1:1",
      actor: "admin API (127.0.0.1)",
      detail: { action: "server.drain", before: { state: "active" }, after: { state: "drain" } },
    });
    expect(await event(supervisor, "health", "draining")).toMatchObject({
      server: "127.0.0.1:1",
      actor: "balancer",
      detail: { from: "up", to: "draining", reason: "drained by an operator" },
    });
    await event(supervisor, "degraded", "no healthy server");
  });

  test("has deaths of workers and of the recorder itself, and that they run again", async () => {
    await using supervisor = await start();
    const [worker] = (await supervisor.status()).workers;
    process.kill(worker.pid, "SIGKILL");
    expect(await event(supervisor, "process", "worker died")).toMatchObject({
      detail: { process: "worker 0", signal: "SIGKILL", reason: "exit" },
    });
    await event(supervisor, "process", "worker 0 runs again");
    // What it has said to have kept is told to nobody again.
    await until(async () => (await supervisor.status()).history?.events_waiting === 0);
    process.kill(supervisor.recorded()[0].pid, "SIGKILL");
    await event(supervisor, "process", "recorder died: the recorder was ended by SIGKILL");
    await event(supervisor, "process", "the recorder runs again");
    const messages = supervisor.events().map(({ message }) => message);
    expect(messages).toHaveLength(new Set(messages).size);
  });

  test("is switched off and on by a reload, and its recorder started again for other settings", async () => {
    await using supervisor = await start();
    await event(supervisor, "start", "balancing");
    const pids = () => [...new Set(supervisor.recorded().map(({ pid }) => pid))];
    await supervisor.reload({ REQUEST_LOG_MAX_ROWS_PER_SECOND: "7" });
    await until(() => pids().length === 2);
    expect(isAlive(pids()[0])).toBe(false);
    const starts = () => supervisor.recorded().filter((message) => message.type === "start");
    expect(starts().map(({ settings }) => settings.maxRequestRowsPerSecond)).toEqual([100, 7]);

    await supervisor.reload({ HISTORY: "off" });
    await until(() => !isAlive(pids()[1]));
    await until(async () => (await supervisor.status()).history === null);
    expect(JSON.stringify(supervisor.events().at(-1))).toContain("HISTORY: on → off");
    await supervisor.reload({ HISTORY: "on" });
    await until(() => pids().length === 3);
  });

  test("stops within its time under a recorder that hangs", async () => {
    await using supervisor = await start({ SHUTDOWN_TIMEOUT_SECONDS: "1" });
    await event(supervisor, "start", "balancing");
    const { pid } = supervisor.recorded()[0];
    process.kill(pid, "SIGSTOP");
    supervisor.process.kill("SIGTERM");
    expect(await supervisor.exit()).toBe(0);
    expect(isAlive(pid)).toBe(false);
  });
});

describe("what the store sets for servers", () => {
  test("wins over the configuration, is shown as what it is, and goes when it is taken away", async () => {
    await using supervisor = await start();
    supervisor.setServers([row({ weight: 2.5, capacity: 7 })]);
    await until(async () => (await server(supervisor)).weight === 2.5);
    expect(await server(supervisor)).toMatchObject({
      weight: 2.5,
      configured_weight: 1,
      weight_origin: "store",
      capacity: 7,
      hard_limit: 7,
      capacity_origin: "store",
    });
    const { overrides } = (await supervisor.status()) as unknown as { overrides: object[] };
    expect(overrides).toMatchObject([
      {
        pool: "default",
        url: "http://127.0.0.1:1",
        weight: { value: 2.5, configured: 1, origin: "store" },
        capacity: { value: 7, configured: 10, origin: "store" },
      },
    ]);
    const set = await event(supervisor, "override", 'the weight 2.5 is set in the store\'s table "servers"');
    expect(set).toMatchObject({ pool: "default", server: "127.0.0.1:1", actor: "store" });

    await supervisor.reload({ CONNECT_TIMEOUT_MS: "777" });
    expect((await server(supervisor)).weight).toBe(2.5);

    supervisor.setServers([row({ capacity: 7 })]);
    await until(async () => (await server(supervisor)).weight === 1);
    expect(await server(supervisor)).toMatchObject({ weight_origin: "configuration", capacity: 7 });
    await event(supervisor, "override", "is not set in the store's table");
  });

  test("loses to a configured number that has changed, which is said once", async () => {
    await using supervisor = await start();
    supervisor.setServers([row({ weight: 2.5 })]);
    await until(async () => (await server(supervisor)).weight === 2.5);
    await supervisor.reload({ SERVER_WEIGHT_127_0_0_1_1: "3" });
    expect(await server(supervisor)).toMatchObject({ weight: 3, weight_origin: "configuration" });
    // The recorder has not seen that yet, and says once more what there was.
    supervisor.setServers([row({ weight: 2.5, lastSeenMs: 1 })]);
    supervisor.setServers([row({ configuredWeight: 3, lastSeenMs: 2 })], [row({ weight: 2.5 })]);
    const undone = await event(supervisor, "override", "undone");
    expect(undone.message).toContain('the weight 2.5 of the store\'s table "servers" is undone');
    expect((await until(() => supervisor.said("is undone"))).level).toBe("warn");
    expect(await server(supervisor)).toMatchObject({ weight: 3, weight_origin: "configuration" });
    // What is set beside the new number counts.
    supervisor.setServers([row({ weight: 2.5, configuredWeight: 3 })]);
    await until(async () => (await server(supervisor)).weight === 2.5);
  });

  test("is used as far as it can be; the rest is refused loudly, once", async () => {
    await using supervisor = await start();
    supervisor.setServers([row({ weight: -1, capacity: 7 })]);
    await until(async () => (await server(supervisor)).capacity === 7);
    supervisor.setServers([row({ weight: -1, capacity: 8 })]);
    await until(async () => (await server(supervisor)).capacity === 8);
    expect((await server(supervisor)).weight).toBe(1);
    await supervisor.reload({ CONNECT_TIMEOUT_MS: "777" }); // what it said before that has been read, too
    const refused = supervisor.lines.filter(({ message }) => message.includes("is not used"));
    expect(refused.map(({ level, message }) => [level, message])).toEqual([
      [
        "warn",
        'server 127.0.0.1:1: the weight -1 in the store\'s table "servers" is not used: it must be a number from 0.001 to 65535',
      ],
    ]);
    await until(() => ofKind(supervisor, "override").some(({ message }) => message.includes("is not used")));
  });

  test("and what an operator sets: the last of them counts; history that is off sets nothing", async () => {
    await using supervisor = await start();
    supervisor.setServers([row({ weight: 2.5 })]);
    await until(async () => (await server(supervisor)).weight === 2.5);
    const { id } = await server(supervisor);
    const patch = async (weight: number): Promise<void> => {
      const init = {
        method: "PATCH",
        body: JSON.stringify({ weight }),
        headers: { "content-type": "application/json" },
      };
      expect((await supervisor.get(`/api/v1/servers/${id}`, init)).status).toBe(200);
    };
    await patch(9);
    expect(await server(supervisor)).toMatchObject({ weight: 9, weight_origin: "admin API" });
    supervisor.setServers([row({ weight: 2.5, capacity: 3 })]);
    await until(async () => (await server(supervisor)).capacity === 3);
    expect((await server(supervisor)).weight).toBe(9);
    supervisor.setServers([row({ weight: 4, capacity: 3 })]);
    await until(async () => (await server(supervisor)).weight === 4);
    await supervisor.reload({ HISTORY: "off" });
    await until(async () => (await server(supervisor)).capacity === 10);
    expect(await server(supervisor)).toMatchObject({ weight: 9, weight_origin: "admin API" }); // the operator's lasts
    await supervisor.reload({ SERVER_WEIGHT_127_0_0_1_1: "3" });
    expect(await server(supervisor)).toMatchObject({ weight: 3, weight_origin: "configuration" });
    expect((await until(() => supervisor.said("it ends: "))).level).toBe("warn");
  });
});
