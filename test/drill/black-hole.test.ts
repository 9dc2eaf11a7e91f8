/** The black hole: a server that fails fast while its health checks pass, so that it looks like the one with least to do. */
import { describe, expect, test } from "bun:test";
import { STRATEGY_NAMES } from "../../src/balancing/registry.ts";
import { endedAfterAll } from "../support/ended-after-all.ts";
import { fail, figures, Load, Product, request, serversOn, startScripted, taking, until } from "./fixture.ts";

const open = endedAfterAll();

describe.concurrent("black hole", () => {
  test.each([...STRATEGY_NAMES])("a server that fails fast attracts no traffic under %s", async (strategy) => {
    const servers = await startScripted(taking(20), taking(20), fail);
    const black = servers[2];
    const product = await new Product({
      SERVERS: serversOn(...servers),
      LB_STRATEGY: strategy,
      HASH_ON: "header:x-key",
      OUTLIER_BASE_EJECTION_SECONDS: "60",
    }).ready();
    open.push(product, ...servers);
    const send = (i: number) =>
      request(product.port, { raw: `GET / HTTP/1.1\r\nHost: drill\r\nX-Key: ${i}\r\nConnection: close\r\n\r\n` });
    const running = new Load(100, send);
    const isEjected = async () => (await product.server(black.port)).state === "ejected";
    // Strategies that look at failures by themselves may leave it alone before it has failed often enough.
    const deadlineMs = performance.now() + 3000;
    while (!(await isEjected()) && performance.now() < deadlineMs) await Bun.sleep(20);
    const ejected = await isEjected();
    await running.caughtUp(); // what was placed before
    const attracted = { black: black.requests, all: running.sent };
    await until(() => running.sent >= attracted.all + 100);
    const seen = await running.stop();
    const later = { black: black.requests - attracted.black, all: seen.sent - attracted.all };
    figures(`black hole, ${strategy}`, seen, { ejected, attracted, later });
    // A fair share would be a third. Until its failures are noticed it gets what comes in that time.
    expect(attracted.black).toBeLessThan(60);
    expect(later.black).toBeLessThanOrEqual(ejected ? 0 : later.all * 0.1);
    expect(seen.failed).toBe(black.requests);
    expect(black.healthy).toBe(true);
    await product.end();
  });
});
