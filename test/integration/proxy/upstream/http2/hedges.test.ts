/** Hedged requests at servers of HTTP/2: what the one that loses sees on the wire, and what a refusal means to the other. */
import { afterEach, describe, expect, test } from "bun:test";
import type { Http2TestServer, PeerStream } from "../../../../support/http2/server.ts";
import { get } from "../../../../support/proxy-harness.ts";
import { until } from "../../../../support/until.ts";
import { bodyOf, closeAll, echo, proxyTo, serve } from "./support.ts";

afterEach(closeAll);

const CANCEL = 8;
const REFUSED_STREAM = 7;
const HEDGING = { hedgeAfterMs: 20, hedgeBudgetPercent: 100, retryBudgetPercent: 100 };

/**
 * Two servers, and the streams of the one request that a test makes, in the order in which they were sent: their connections are
 * there, for they would come as those are made.
 */
async function hedged(settings: Parameters<typeof proxyTo>[1] = {}, servers = 2) {
  const streams: PeerStream[] = [];
  const all: Http2TestServer[] = [];
  for (let i = 0; i < servers; i++) {
    const server = await serve();
    server.onStream = echo;
    all.push(server);
  }
  const proxy = proxyTo(all);
  for (let i = 0; i < servers; i++) await proxy.ask(get("/connects"));
  expect(all.map(({ connections }) => connections.length)).toEqual(new Array(servers).fill(1));
  for (const server of all) server.onStream = (stream) => streams.push(stream);
  proxy.change({ ...HEDGING, ...settings });
  return { streams, servers: all, proxy };
}

describe("the one that loses", () => {
  test.each([
    ["first", 1, 0],
    ["second", 0, 1],
  ])("the %s: its stream is cancelled, and its connection serves others", async (_, winner, loser) => {
    const { streams, servers, proxy } = await hedged();
    const answer = proxy.ask(get("/hedged"));
    await until(() => streams.length === 2);
    echo(streams[winner]);
    expect(bodyOf(await answer)).toBe("/hedged");
    await until(() => streams[loser].ended === "reset");
    expect(streams[loser].resetCode).toBe(CANCEL);
    expect(proxy.counter("HEDGES")).toBe(1);
    expect(proxy.counter("HEDGES_WON")).toBe(winner);
    expect(proxy.inFlight).toBe(0);
    // Neither has failed, and what the loser still says is nobody's.
    echo(streams[loser]);
    for (const server of servers) server.onStream = echo;
    for (let i = 0; i < 4; i++) expect(bodyOf(await proxy.ask(get(`/${i}`)))).toBe(`/${i}`);
    expect(servers.map(({ connections }) => connections.length)).toEqual([1, 1]);
    expect([...proxy.memory.workers[0].failures.subarray(0, 2)]).toEqual([0, 0]);
  });

  test("although it has sent an interim response, which decides nothing", async () => {
    const { streams, proxy } = await hedged();
    const client = await proxy.connect();
    await client.send(get("/hedged"));
    await until(() => streams.length === 2);
    streams[0].headers([[":status", "103"]]);
    expect((await client.head()).status).toBe(103);
    echo(streams[1]);
    expect(bodyOf(await client.message())).toBe("/hedged");
    await until(() => streams[0].ended === "reset");
    expect([streams[0].resetCode, streams[0].peer.ended]).toEqual([CANCEL, null]);
  });
});

describe("a refused stream", () => {
  test.each([
    ["first", 0, 1],
    ["second", 1, 0],
  ])("of the %s leaves the request to the other", async (_, refusing, other) => {
    const { streams, proxy } = await hedged();
    const answer = proxy.ask(get("/hedged"));
    await until(() => streams.length === 2);
    streams[refusing].reset(REFUSED_STREAM);
    await until(() => proxy.inFlight === 1);
    echo(streams[other]);
    expect(bodyOf(await answer)).toBe("/hedged");
    expect(streams).toHaveLength(2);
    expect(proxy.counter("RETRIES")).toBe(0);
    expect(proxy.inFlight).toBe(0);
  });

  test("of both: a third server is asked", async () => {
    const { streams, proxy } = await hedged({}, 3);
    const answer = proxy.ask(get("/hedged"));
    await until(() => streams.length === 2);
    for (const stream of [...streams]) stream.reset(REFUSED_STREAM);
    const third = await until(() => streams[2]);
    expect(new Set(streams.map(({ peer }) => peer)).size).toBe(3);
    echo(third);
    expect(bodyOf(await answer)).toBe("/hedged");
    expect(proxy.counter("RETRIES")).toBe(1);
  });

  test("of the first, before there is a hedge, is no reason for one: the request is made elsewhere at once", async () => {
    const { streams, proxy } = await hedged({ hedgeAfterMs: 60_000 });
    const answer = proxy.ask(get("/hedged"));
    (await until(() => streams[0])).reset(REFUSED_STREAM);
    echo(await until(() => streams[1]));
    expect(bodyOf(await answer)).toBe("/hedged");
    expect([proxy.counter("HEDGES"), proxy.counter("RETRIES")]).toEqual([0, 1]);
  });
});

test("a client that leaves cancels both", async () => {
  const { streams, proxy } = await hedged();
  const client = await proxy.connect();
  await client.send(get("/hedged"));
  await until(() => streams.length === 2);
  client.reset();
  await until(() => streams.every(({ ended }) => ended === "reset"));
  expect(streams.map(({ resetCode }) => resetCode)).toEqual([CANCEL, CANCEL]);
  expect(proxy.inFlight).toBe(0);
});
