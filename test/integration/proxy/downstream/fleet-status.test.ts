/** What the public port tells of the fleet, and to whom. */
import { afterEach, expect, test } from "bun:test";
import type { AdminResponse } from "../../../../src/proxy/downstream/admin-relay.ts";
import { cleanUp, TestProxy } from "../../../support/proxy-harness.ts";

afterEach(cleanUp);

async function statuses(fleetStatus: readonly string[] | null, fields = "", trustedProxies: readonly string[] = []) {
  let asked = 0;
  const admin = async (): Promise<AdminResponse> => {
    asked++;
    return { status: 200, type: "text/plain", body: Buffer.from("told"), retryAfter: null };
  };
  const proxy = new TestProxy([], { admin, settings: { fleetStatus, trustedProxies } });
  const found: Record<string, number> = {};
  for (const path of ["/metrics", "/api/v1/servers", "/health/live", "/health/ready"]) {
    const wire = await proxy.connect();
    await wire.send(`GET ${path} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`);
    const { status, body } = await wire.message();
    found[path] = status;
    if (status === 403) expect(JSON.parse(body.toString())).toMatchObject({ error: { code: "fleet_status_denied" } });
    wire.destroy();
  }
  return { fleet: [found["/metrics"], found["/api/v1/servers"]], health: found["/health/live"], asked };
}

test("FLEET_STATUS says who may ask for metrics and servers", async () => {
  expect(await statuses(null)).toEqual({ fleet: [200, 200], health: 200, asked: 2 });
  expect(await statuses([])).toEqual({ fleet: [403, 403], health: 200, asked: 0 });
  expect(await statuses(["127.0.0.0/8"])).toEqual({ fleet: [200, 200], health: 200, asked: 2 });
  expect(await statuses(["10.0.0.0/8", "::1/128"])).toEqual({ fleet: [403, 403], health: 200, asked: 0 });
});

test("behind a trusted proxy it is the client's address that counts, and nobody else's word for it", async () => {
  const behind = "X-Forwarded-For: 10.1.2.3\r\n";
  expect(await statuses(["10.0.0.0/8"], behind)).toMatchObject({ fleet: [403, 403], asked: 0 });
  expect(await statuses(["10.0.0.0/8"], behind, ["127.0.0.1"])).toMatchObject({ fleet: [200, 200] });
  expect(await statuses(["127.0.0.1/32"], behind, ["127.0.0.1"])).toMatchObject({ fleet: [403, 403], asked: 0 });
});
