/** A connect that was refused at once told its user before the user held the connection, which then kept a dead one. */
import { expect, test } from "bun:test";
import type { Failure } from "../../src/proxy/failure.ts";
import { TimerWheel } from "../../src/proxy/sockets/timer-wheel.ts";
import type { UpstreamUser } from "../../src/proxy/upstream/connection.ts";
import { UpstreamPool } from "../../src/proxy/upstream/pool.ts";

const ENDPOINT = { slot: 0, id: 1, url: "http://a:1", hostname: "a", address: "127.0.0.1", port: 1, tls: false };
const SETTINGS = { connectTimeoutMs: 100, upstreamIdleTimeoutMs: 100, upstreamMaxIdle: 10, upstreamCaPem: "" };
const MANY_ABANDONED = 128;

test("a server with too many hanging connects is failed in a later turn", async () => {
  const pool = new UpstreamPool(ENDPOINT, SETTINGS, new TimerWheel(0), new Float64Array(64), () => {});
  const told: Failure[] = [];
  const user: UpstreamUser = {
    onConnected() {},
    onConnectFailed: (_, failure) => void told.push(failure),
    onUpstreamData() {},
    onUpstreamEnd() {},
    onUpstreamDrain() {},
    onUpstreamDeadline() {},
  };
  for (let i = 0; i < MANY_ABANDONED; i++) pool.connect(user, 0).destroy();
  pool.connect(user, 0);
  expect(told).toEqual([]);
  await Promise.resolve();
  expect(told.map(({ code }) => code)).toEqual(["connect_timeout"]);
});
