/** The system's resolver against a DNS server of our own: what Bun does with times to live, both families and SRV. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { createSocket } from "node:dgram";
import { getServers, setServers } from "node:dns";
import { systemResolver } from "../../src/control/discovery-resolver.ts";

const A = 1;
const AAAA = 28;
const SRV = 33;
/** type → records (time to live, data) by name; a name that is missing does not exist. */
const ZONE: Record<string, Record<number, readonly (readonly [ttl: number, data: Buffer])[]>> = {
  "app.test": {
    [A]: [
      [30, Buffer.from([127, 0, 0, 1])],
      [7, Buffer.from([127, 0, 0, 2])],
    ],
    [AAAA]: [[30, Buffer.concat([Buffer.alloc(15), Buffer.from([1])])]],
  },
  "_http._tcp.app.test": { [SRV]: [[11, Buffer.from("\0\x01\0\x05\x1f\x41\x03app\x04test\0", "latin1")]] },
};

const server = createSocket("udp4");
const before = getServers();
server.on("message", (query, from) => {
  let at = 12;
  const labels: string[] = [];
  for (; query[at] !== 0; at += query[at] + 1) labels.push(query.toString("latin1", at + 1, at + 1 + query[at]));
  const records = ZONE[labels.join(".")];
  const type = query.readUInt16BE(at + 1);
  const answers = (records?.[type] ?? []).map(([ttl, data]) => {
    const head = Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, ttl, 0, data.length]);
    return Buffer.concat([head, data]);
  });
  const header = Buffer.from([query[0], query[1], 0x81, records ? 0x80 : 0x83, 0, 1, 0, answers.length, 0, 0, 0, 0]);
  server.send(Buffer.concat([header, query.subarray(12, at + 5), ...answers]), from.port, from.address);
});

beforeAll(async () => {
  await new Promise<void>((resolve) => server.bind(0, "127.0.0.1", resolve));
  setServers([`127.0.0.1:${server.address().port}`]);
});
afterAll(() => {
  setServers(before);
  server.close();
});

test("a name has all its addresses, and the least time to live", async () => {
  const { addresses, ttlSeconds } = await systemResolver.lookup("app.test");
  expect([...addresses].sort()).toEqual(["127.0.0.1", "127.0.0.2", "::1"]);
  expect(ttlSeconds).toBeWithin(1, 8);
});

test("/etc/hosts is respected", async () => {
  const { addresses } = await systemResolver.lookup("localhost");
  expect(addresses.some((address) => address === "127.0.0.1" || address === "::1")).toBe(true);
});

test("SRV records", async () => {
  const { records } = await systemResolver.srv("_http._tcp.app.test");
  expect(records).toEqual([{ name: "app.test", port: 8001, priority: 1, weight: 5 }]);
});

test("a name that does not exist rejects", async () => {
  expect(systemResolver.lookup("nothing.test")).rejects.toThrow();
  expect(systemResolver.srv("_http._tcp.nothing.test")).rejects.toThrow();
});
