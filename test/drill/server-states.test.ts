/** What metrics say became of servers: one of each way in which a check can fail, and what requests get when nobody is left. */
import { describe, expect, test } from "bun:test";
import { createServer, type Socket } from "node:net";
import { endedAfterAll } from "../support/ended-after-all.ts";
import { answer, fail, Load, Product, request, Scripted, serversOn, startScripted, until } from "./fixture.ts";

const open = endedAfterAll();

/** A server whose connections are treated like this, checks included. */
async function listening(onConnection: (socket: Socket) => void): Promise<{ readonly port: number; end(): unknown }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    onConnection(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const end = () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  return { port, end };
}

const replying = (text: string) => listening((socket) => socket.on("data", () => socket.end(text)));

interface StatesView {
  readonly id: number;
  readonly url: string;
  readonly state: string;
  readonly health_checks: { readonly success: number; readonly failure: Readonly<Record<string, number>> };
  readonly state_seconds: Readonly<Record<string, number>>;
  readonly traffic_share: number | null;
}

const statesOf = async (product: Product): Promise<readonly StatesView[]> =>
  (await (await product.admin("/api/v1/servers")).json()) as StatesView[];

describe.concurrent("what became of servers", () => {
  test("each way in which a check fails has a cause of its own, in metrics and API alike", async () => {
    const good = await new Scripted().start();
    const ill = await new Scripted().start();
    ill.healthy = false;
    const gone = await new Scripted().start();
    await gone.stop();
    const silent = await listening(() => {});
    const closing = await listening((socket) => socket.on("data", () => socket.end("HTTP/1.1 200")));
    const garbage = await replying("hello\r\n\r\n");
    const plain = await replying("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    const product = new Product({
      SERVERS: `${serversOn(good, ill, gone, silent, closing, garbage)},https://127.0.0.1:${plain.port}`,
      HEALTH_CHECK_TIMEOUT_SECONDS: "3", // the others answer in time, also on a busy machine
    });
    open.push(product, good, ill, silent, closing, garbage, plain);
    await product.ready();
    const expected: readonly (readonly [{ readonly port: number }, string])[] = [
      [ill, "status"],
      [gone, "refused"],
      [silent, "timeout"],
      [closing, "closed"],
      [garbage, "response"],
      [plain, "tls"],
    ];
    const servers = await statesOf(product);
    for (const [{ port }, cause] of expected) {
      const { id, state } = servers.find(({ url }) => url.endsWith(`:${port}`))!;
      expect([port, state]).toEqual([port, "down"]);
      const checks = `server_health_checks_total{server_id="${id}",result="failure",cause="${cause}"}`;
      await until(async () => (await product.metric(checks)) > 1);
      const now = (await statesOf(product)).find((server) => server.id === id)!;
      const { [cause]: because, ...others } = now.health_checks.failure;
      expect(because).toBeGreaterThan(1);
      expect(Object.values(others).every((count) => count === 0)).toBe(true);
      expect(now.health_checks.success).toBe(0);
      expect(await product.metric(`server_health_checks_total{server_id="${id}",result="success"`)).toBe(0);
    }
    const { id } = servers.find(({ url }) => url.endsWith(`:${good.port}`))!;
    expect(await product.metric(`server_health_checks_total{server_id="${id}",result="success"`)).toBeGreaterThan(0);
    expect(await product.metric(`server_health_checks_total{server_id="${id}",result="failure"`)).toBe(0);
    expect(await product.metric("pool_servers ")).toBe(7);
    expect(await product.metric("pool_servers_healthy ")).toBe(1);
    expect(await product.metric("pool_servers_usable ")).toBe(7); // in panic
    expect(await product.metric("pool_panic ")).toBe(1);
  });

  test("time in states and share of the traffic: drained, ejected and gone", async () => {
    const servers = await startScripted(answer, answer, fail);
    const product = await new Product({
      SERVERS: serversOn(...servers),
      LB_STRATEGY: "round_robin",
      OUTLIER_BASE_EJECTION_SECONDS: "60",
    }).ready();
    open.push(product, ...servers);
    const [one, two, three] = await Promise.all(servers.map(({ port }) => product.server(port)));
    await product.change(two.id, { state: "drain" });
    const running = new Load(100, () => request(product.port));
    await until(async () => (await product.server(servers[2].port)).state === "ejected");
    // Of one moment: what it is of, the last seconds, moves on.
    const shares = async () => {
      const now = await statesOf(product);
      return [one, two, three].map(({ id }) => now.find((server) => server.id === id)?.traffic_share ?? 0);
    };
    await until(async () => (await shares())[0] > 0.5);
    const [ofOne, ofTwo, ofThree] = await shares();
    expect(ofTwo).toBe(0);
    expect(ofOne + ofThree).toBeCloseTo(1, 1);
    const shown = await product.metric(`server_traffic_share{server_id="${one.id}"}`);
    expect(shown).toBeWithin(0.5, 1.001);
    await running.stop();
    const seconds = (id: number, state: string) =>
      product.metric(`server_state_seconds_total{server_id="${id}",state="${state}"}`);
    await until(async () => (await seconds(two.id, "draining")) > 0.2);
    const before = await seconds(three.id, "ejected");
    await until(async () => (await seconds(three.id, "ejected")) > before);
    const ups = await seconds(three.id, "up");
    expect(await seconds(three.id, "up")).toBe(ups); // it is in another state
    for (const { state, state_seconds } of await statesOf(product)) expect(state_seconds[state]).toBeGreaterThan(0);

    await product.reload({ SERVERS: serversOn(servers[0]) });
    await until(async () => (await statesOf(product)).length === 1);
    expect(await seconds(three.id, "ejected")).toBe(0);
    expect(await product.metric(`server_ejections_total{server_id="${three.id}"`)).toBe(0);
    expect(await product.metric("ejections_total ")).toBe(1); // of all that there ever were
  });

  test("no server is up: the mode is on, in panic requests are tried all the same, and without it they get 503", async () => {
    const servers = await startScripted(answer, answer);
    const product = await new Product({
      SERVERS: serversOn(...servers),
      HEALTH_CHECK_RETRIES: "1",
      PANIC_THRESHOLD_PERCENT: "50",
    }).ready();
    open.push(product, ...servers);
    expect([await product.degraded("no_servers"), await product.metric("pool_servers_usable ")]).toEqual([0, 2]);
    for (const server of servers) server.healthy = false;
    await until(async () => (await product.degraded("no_servers")) === 1);
    expect(await product.metric("pool_servers_usable ")).toBe(2);
    expect((await request(product.port)).status).toBe(200);
    await product.reload({ PANIC_THRESHOLD_PERCENT: "0" });
    await until(async () => (await product.metric("pool_servers_usable ")) === 0);
    expect(await product.degraded("no_servers")).toBe(1);
    expect((await request(product.port)).status).toBe(503);
    for (const server of servers) server.healthy = true;
    await until(async () => (await product.degraded("no_servers")) === 0);
    for (const { id } of await product.servers()) await product.change(id, { state: "drain" });
    expect([await product.degraded("no_servers"), await product.metric("pool_servers_usable ")]).toEqual([1, 0]);
    expect((await request(product.port)).status).toBe(503);
  });

  test("the last reload, and since when what is in force is in force", async () => {
    const servers = await startScripted(answer);
    const product = await new Product({ SERVERS: serversOn(...servers) }).ready();
    open.push(product, ...servers);
    const last = async () => [
      await product.metric("config_last_reload_successful "),
      await product.metric("config_last_reload_success_timestamp_seconds "),
    ];
    const [ok, started] = await last();
    expect([ok, started]).toEqual([1, expect.closeTo(Date.now() / 1000, -3)]);
    await product.reload({ LB_STRATEGY: "no such strategy" });
    expect(await last()).toEqual([0, started]);
    expect(await product.degraded("configuration")).toBe(1);
    await product.reload({ LB_STRATEGY: "random" });
    const [again, taken] = await last();
    expect(again).toBe(1);
    expect(taken).toBeGreaterThan(started);
    const { configuration } = (await product.status()) as unknown as { configuration: { taken_at: string } };
    expect(Date.parse(configuration.taken_at) / 1000).toBeCloseTo(taken, 3);
    expect(await product.degraded("configuration")).toBe(0);
  });
});
