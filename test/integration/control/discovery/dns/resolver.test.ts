/** The system's resolver against a DNS server of our own: what Bun does with times to live, both families and SRV. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { createSocket } from "node:dgram";
import { getServers, setServers } from "node:dns";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LocalNames } from "../../../../../src/control/discovery/dns/local-names.ts";
import { SystemResolver, systemResolver } from "../../../../../src/control/discovery/dns/resolver.ts";

const A = 1;
const AAAA = 28;
const SRV = 33;
type Records = readonly (readonly [ttl: number, data: Buffer])[];

/** type → records (time to live, data) by name, or what the server does instead; a name that is missing does not exist. */
const ZONE: Record<string, Record<number, Records | "fails" | "is silent">> = {
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
const asked: string[] = [];
const before = getServers();
server.on("message", (query, from) => {
  let at = 12;
  const labels: string[] = [];
  for (; query[at] !== 0; at += query[at] + 1) labels.push(query.toString("latin1", at + 1, at + 1 + query[at]));
  const name = labels.join(".");
  const records = ZONE[name];
  const type = query.readUInt16BE(at + 1);
  asked.push(`${name} ${type}`);
  const found = records?.[type] ?? [];
  if (found === "is silent") return;
  const answers = (found === "fails" ? [] : found).map(([ttl, data]) => {
    const head = Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, ttl, 0, data.length]);
    return Buffer.concat([head, data]);
  });
  const header = Buffer.from([
    query[0],
    query[1],
    0x81,
    found === "fails" ? 0x82 : records ? 0x80 : 0x83,
    0,
    1,
    0,
    answers.length,
    0,
    0,
    0,
    0,
  ]);
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
  await expect(systemResolver.lookup("nothing.test")).rejects.toThrow();
  await expect(systemResolver.srv("_http._tcp.nothing.test")).rejects.toThrow();
});

const LOCAL = [30, Buffer.from([127, 0, 0, 1])] as const;
/** Longer than one channel is used. */
const MOMENT_MS = 250;

test("records that come later are found: that there were none is not remembered", async () => {
  ZONE["late.test"] = { [A]: [LOCAL] };
  ZONE["_http._tcp.late.test"] = {};
  await expect(systemResolver.srv("_http._tcp.late.test")).rejects.toThrow();
  expect((await systemResolver.lookup("late.test")).addresses).toEqual(["127.0.0.1"]);
  ZONE["_http._tcp.late.test"] = { [SRV]: [[11, Buffer.from("\0\x01\0\x05\x1f\x41\x04late\x04test\0", "latin1")]] };
  ZONE["late.test"][AAAA] = ZONE["app.test"][AAAA];
  await Bun.sleep(MOMENT_MS);
  expect((await systemResolver.srv("_http._tcp.late.test")).records).toMatchObject([{ name: "late.test", port: 8001 }]);
  expect((await systemResolver.lookup("late.test")).addresses).toEqual(["127.0.0.1", "::1"]);
});

test.each(["fails", "is silent"] as const)("of a family whose question %s nothing is known", async (how) => {
  const name = `half-${how.length}.test`;
  ZONE[name] = { [A]: [LOCAL], [AAAA]: how };
  expect(await systemResolver.lookup(name)).toEqual({ addresses: ["127.0.0.1"], ttlSeconds: 30, unknown: [6] });
  ZONE[`other-${name}`] = { [A]: how, [AAAA]: ZONE["app.test"][AAAA] };
  expect(await systemResolver.lookup(`other-${name}`)).toMatchObject({ addresses: ["::1"], unknown: [4] });
  ZONE[`none-${name}`] = { [A]: [LOCAL] };
  expect((await systemResolver.lookup(`none-${name}`)).unknown).toEqual([]);
});

test("a name is looked for in the search domains, unless it is complete", async () => {
  const directory = mkdtempSync(join(tmpdir(), "nb-names-"));
  try {
    const [hosts, conf] = ["hosts", "resolv.conf"].map((file) => join(directory, file));
    writeFileSync(hosts, "# nothing\n127.0.0.9 own.corp alias # of mine\n::1\tALIAS\n");
    writeFileSync(conf, "nameserver 192.0.2.1\nsearch first.test second.test.\n");
    const resolver = new SystemResolver(new LocalNames(hosts, conf));
    ZONE["api.corp.second.test"] = { [A]: [LOCAL] };
    expect((await resolver.lookup("api.corp")).addresses).toEqual(["127.0.0.1"]);
    for (const complete of [() => resolver.lookup("api.corp."), () => resolver.lookup("api.corp", true)]) {
      asked.length = 0;
      await expect(complete()).rejects.toThrow();
      expect(asked.filter((name) => name.includes("second"))).toEqual([]);
    }
    expect((await resolver.lookup("alias")).addresses).toEqual(["127.0.0.9", "::1"]);
    expect((await resolver.lookup("own.corp.")).addresses).toEqual(["127.0.0.9"]);
    writeFileSync(hosts, "127.0.0.10 own.corp\n127.0.0.11 own.corp\n");
    expect((await resolver.lookup("own.corp")).addresses).toEqual(["127.0.0.10", "127.0.0.11"]);
    // A domain that cannot be asked must not send the request to a namesake in the next one.
    ZONE["svc.first.test"] = { [A]: "fails", [AAAA]: "fails" };
    ZONE["svc.second.test"] = { [A]: [LOCAL] };
    writeFileSync(conf, "search first.test second.test\noptions timeout:1 ndots:2\n");
    await expect(resolver.lookup("svc")).rejects.toThrow();
  } finally {
    rmSync(directory, { recursive: true });
  }
});
