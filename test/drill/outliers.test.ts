/** Servers whose health checks pass and whose responses do not: ejection, return, panic, and fleets that restart. */
import { describe, expect, test } from "bun:test";
import { endedAfterAll } from "../support/ended-after-all.ts";
import {
  answer,
  fail,
  figures,
  Load,
  loadUntil,
  Product,
  request,
  serversOn,
  startScripted,
  taking,
  until,
} from "./fixture.ts";

const open = endedAfterAll();

describe.concurrent("outliers", () => {
  test("a server that is much slower than the others is ejected", async () => {
    const servers = await startScripted(taking(5), taking(5), taking(5), taking(400));
    const product = await new Product({
      SERVERS: serversOn(...servers),
      LB_STRATEGY: "round_robin",
      OUTLIER_LATENCY_FACTOR: "4",
      OUTLIER_BASE_EJECTION_SECONDS: "60",
    }).ready();
    open.push(product, ...servers);
    const running = new Load(120, () => request(product.port));
    await until(async () => (await product.server(servers[3].port)).state === "ejected");
    await running.caughtUp();
    const before = servers[3].requests;
    await Bun.sleep(700);
    const seen = await running.stop();
    figures("latency outlier", seen, { ejectedAfter: before });
    expect(servers[3].requests).toBe(before);
    const { reason, id } = await product.server(servers[3].port);
    expect(reason).toContain("fleet median");
    expect(await product.metric(`server_ejections_total{server_id="${id}",cause="latency"}`)).toBe(1);
    expect(seen.why).toEqual({});
  });

  test("an ejected server returns on probation: traffic proves it well, or it is ejected for longer", async () => {
    let failures = 0;
    const servers = await startScripted(answer, answer, (...asked) => {
      failures++;
      fail(...asked);
    });
    const bad = servers[2];
    const product = await new Product({
      SERVERS: serversOn(...servers),
      LB_STRATEGY: "round_robin",
      OUTLIER_BASE_EJECTION_SECONDS: "4",
      SLOW_START_SECONDS: "1",
    }).ready();
    open.push(product, ...servers);
    const running = new Load(120, () => request(product.port));
    const ejections = () => product.metric("server_ejections_total");
    // On a busy machine metrics are seconds old when they are read: further ejections may have come by then.
    await until(async () => (await ejections()) >= 2);
    bad.behaviour = answer;
    const { requests } = bad;
    // It may be on its return when that changes, and be ejected again for what it failed before: its ramp goes on meanwhile.
    await until(async () => {
      const { state, effective_weight } = await product.server(bad.port);
      return state === "up" && effective_weight === 1 && bad.requests > requests + 20;
    });
    const counted = (await product.server(bad.port)).failures;
    await Bun.sleep(500);
    const seen = await running.stop();
    figures("return on probation", seen, { failures });
    const { state, failures: later } = await product.server(bad.port);
    expect({ state, later }).toEqual({ state: "up", later: counted });
    const { id } = await product.server(bad.port);
    const ejectedFor = (cause: string) => product.metric(`server_ejections_total{server_id="${id}",cause="${cause}"}`);
    // On its return it was not given as many chances as at first.
    expect(await ejectedFor("consecutive_failures")).toBe(1);
    expect(await ejectedFor("probation")).toBe((await ejections()) - 1);
    expect(seen.failed).toBe(failures);
  });

  test("panic: when most of the fleet is down all of it is used, and the metrics say so", async () => {
    const servers = await startScripted(answer, answer, answer, answer);
    const product = await new Product({
      SERVERS: serversOn(...servers),
      LB_STRATEGY: "round_robin",
      PANIC_THRESHOLD_PERCENT: "50",
      HEALTH_CHECK_RETRIES: "1",
    }).ready();
    open.push(product, ...servers);
    expect(await product.degraded("panic")).toBe(0);
    for (const server of servers.slice(1)) server.healthy = false;
    await until(async () => (await product.degraded("panic")) === 1);
    const seen = await loadUntil(
      (sent) => sent >= 60,
      120,
      800,
      () => request(product.port),
    );
    figures("panic", seen, { shares: seen.shares });
    expect(seen.why).toEqual({});
    expect(Object.values(seen.shares).length).toBe(4); // all four serve, not one alone
    expect(Math.max(...Object.values(seen.shares)) / seen.sent).toBeLessThan(0.4);
    expect(await product.metric("panics_total")).toBe(1);
    expect((await product.status()).degraded).toContain("panic");
    await until(() => product.said("panic routing: 1 of 4"));
    expect(product.count("panic routing: 1 of 4")).toBe(1);
    for (const server of servers) server.healthy = true;
    await until(async () => (await product.degraded("panic")) === 0);
  });

  test("a fleet that restarts one by one under load, each drained first: no request fails", async () => {
    const servers = await startScripted(taking(30), taking(30), taking(30));
    const product = await new Product({ SERVERS: serversOn(...servers) }).ready();
    open.push(product, ...servers);
    const running = new Load(120, () => request(product.port));
    for (const server of servers) {
      const { id } = await product.server(server.port);
      await product.change(id, { state: "drain" });
      await until(async () => (await product.server(server.port)).active_connections === 0);
      await server.stop();
      await Bun.sleep(300);
      await server.start();
      await until(async () => (await product.server(server.port)).state === "draining");
      await product.change(id, { state: "active" });
      await until(async () => (await product.server(server.port)).state === "up");
    }
    await Bun.sleep(200);
    const seen = await running.stop();
    figures("rolling restart", seen, { shares: seen.shares });
    expect(seen.sent).toBeGreaterThan(100);
    expect(seen.why).toEqual({});
    expect(Object.keys(seen.shares).length).toBe(3);
  });
});
