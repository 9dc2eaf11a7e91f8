import { describe, expect, test } from "bun:test";
import {
  type ChangedServer,
  planServerChange,
  serverChangeSchema,
  setupOf,
} from "../../../../../src/control/admin/changes/server-change.ts";
import { newServerSchema, planAddition, planRemoval } from "../../../../../src/control/admin/changes/server-list.ts";
import type { ApiError } from "../../../../../src/control/admin/responses.ts";
import type { ServerStatus } from "../../../../../src/control/fleet/status.ts";
import type { Override } from "../../../../../src/shared/operations/override.ts";
import { host } from "../../fleet/fixtures.ts";

const NOW_MS = Date.UTC(2026, 10, 30);
const TARGET = { pool: "shop", server: "10.0.0.5:3000", address: "" };

function server(status: Partial<ServerStatus> = {}, pool = { usable: 3, panic: false }): ChangedServer {
  const usual = {
    id: 1,
    pool: "shop",
    url: "http://10.0.0.5:3000",
    address: "10.0.0.5",
    alive: true,
    state: "up",
    removed: false,
    maintenance: null,
    weight: 2,
    configured_weight: 1,
    hard_limit: 0,
    configured_capacity: 10,
    configured_hard_limit: 0,
    active_connections: 4,
  } as unknown as ServerStatus;
  const endpoint = { hostname: "10.0.0.5", address: "10.0.0.5", port: 3000 };
  return { status: { ...usual, ...status }, endpoint, pool };
}

const change = (body: object, of = server()) => planServerChange(of, serverChangeSchema.parse(body), NOW_MS);
const refusal = (work: () => unknown): ApiError => {
  try {
    work();
  } catch (error) {
    return error as ApiError;
  }
  throw new Error("it was not refused");
};

describe("a change of a server", () => {
  test("says what is set, and what was before", () => {
    expect(change({ weight: 3, capacity: 20 })).toMatchObject({
      action: "server.change",
      target: "server 10.0.0.5:3000 of pool shop",
      about: TARGET,
      set: [
        { kind: "weight", target: TARGET, value: 3 },
        { kind: "capacity", target: TARGET, value: 20 },
      ],
      before: { weight: 2, capacity: 0 },
      after: { weight: 3, capacity: 20 },
      present: { weight: 2, capacity: 0, state: "active", reason: "", until: null },
      warnings: [],
    });
  });

  test("null ends the override", () => {
    const plan = change({ weight: null });
    expect([plan.set, plan.remove?.length, plan.after]).toEqual([[], 1, { weight: 1 }]);
    // A capacity that is shown and not enforced is none.
    expect(change({ capacity: null }).after).toEqual({ capacity: 0 });
  });

  test("a maintenance has its reason and its end", () => {
    const { action, set, after } = change({ state: "maintenance", duration: "2h", reason: "new disks" });
    const until = new Date(NOW_MS + 7_200_000).toISOString();
    expect({ action, set, after }).toEqual({
      action: "server.maintenance",
      set: [{ kind: "state", target: TARGET, value: "maintenance", untilMs: NOW_MS + 7_200_000 }],
      after: { state: { state: "maintenance", reason: "new disks", until } },
    });
    const withZone = change({ state: "drain", until: "2026-11-30T03:00:00+02:00" });
    expect(withZone.set).toMatchObject([{ untilMs: NOW_MS + 3_600_000 }]);
  });

  test.each([
    [{ state: "drain", until: "2026-11-29T23:59:59Z" }, "until: is over already"],
    [{ state: "drain", until: "2028-01-01T00:00:00Z" }, "until: is more than 366 days away"],
    [{ state: "drain", duration: "400d" }, "duration: is more than 366 days away"],
    [{ state: "drain", duration: "1h", until: "2026-12-01T00:00:00Z" }, "not both"],
    [{ state: "active", duration: "1h" }, "goes with the state drain or maintenance"],
    [{ weight: 1, duration: "1h" }, "goes with the state drain or maintenance"],
  ])("%j is refused", (body, why) => {
    const error = refusal(() => change(body));
    expect([error.status, error.code]).toEqual([400, "invalid_body"]);
    expect(error.message).toContain(why);
  });

  test.each([
    {},
    { reason: "why not" },
    { weight: 0 },
    { weight: "1" },
    { capacity: -1 },
    { capacity: 1.5 },
    { state: "off" },
    { state: "drain", until: "tomorrow" },
    { state: "drain", duration: "soon" },
    { state: "drain", duration: "0s" },
    { weight: 1, reason: "x".repeat(501) },
    { weight: 1, reason: "two\nlines" },
    { weight: 1, why: "x" },
  ])("%j is no change", (body) => {
    expect(serverChangeSchema.safeParse(body).success).toBe(false);
  });

  test("warns when nobody is left, and when it has more in flight than it may", () => {
    expect(change({ state: "drain" }, server({}, { usable: 1, panic: false })).warnings).toEqual([
      expect.stringContaining("the last server of pool shop"),
    ]);
    expect(
      change({ state: "drain" }, server({ alive: false, state: "down" }, { usable: 1, panic: false })).warnings,
    ).toEqual([]);
    expect(
      change({ state: "drain" }, server({ alive: false, state: "down" }, { usable: 1, panic: true })).warnings,
    ).toHaveLength(1);
    expect(change({ capacity: 2 }).warnings).toEqual([expect.stringContaining("has 4 requests in flight")]);
    expect(change({ capacity: 0 }).warnings).toEqual([]);
  });

  test("one that has left is not changed", () => {
    expect(refusal(() => change({ weight: 1 }, server({ removed: true }))).code).toBe("server_leaves");
  });

  test("its tag is of what may be changed alone", () => {
    const maintenance = { reason: "disks", since: "", until: "2026-12-01T00:00:00.000Z", by: "ci" };
    expect(setupOf(server({ state: "maintenance", maintenance }).status)).toEqual({
      weight: 2,
      capacity: 0,
      state: "maintenance",
      reason: "disks",
      until: "2026-12-01T00:00:00.000Z",
    });
  });
});

describe("the list of servers", () => {
  const pools = [
    { name: "shop", servers: [host("10.0.0.5", 3000), host("10.0.0.6", 3000)] },
    { name: "blog", servers: [host("10.0.0.7", 3000)] },
  ];
  const add = (body: object, of = pools, overrides: readonly Override[] = []) =>
    planAddition(newServerSchema.parse(body), of, overrides);

  test("says of a wrong url what is wrong with it, whatever stands in quotes there", () => {
    for (const host of ["a b", "<b>", 'a"b'].map((name) => name.replace(" ", "\u0000"))) {
      const { message } = refusal(() => add({ url: `http://${host}:80`, pool: "shop" }));
      expect(message).toContain(
        `url: has a wrong host name or address "${host}": letters, digits, "-", "_" and "." are`,
      );
    }
    expect(refusal(() => add({ url: "ftp://a", pool: "shop" })).message).toContain(
      "url: has an unknown scheme: use http://",
    );
  });

  test("takes a server into the pool that is named, or the only one", () => {
    expect(add({ url: "http://10.0.0.8/", pool: "shop", weight: 2, reason: "more" })).toMatchObject({
      action: "server.add",
      set: [
        {
          kind: "server_added",
          target: { pool: "shop", url: "http://10.0.0.8:80" },
          value: { url: "http://10.0.0.8:80", weight: 2 },
        },
      ],
      before: null,
      present: { servers: ["http://10.0.0.5:3000", "http://10.0.0.6:3000"] },
    });
    expect(add({ url: "http://10.0.0.8" }, [pools[1]]).pool).toBe("blog");
  });

  test.each([
    [{ url: "http://10.0.0.8" }, 400, "pool: is missing: name one of the pools shop, blog"],
    [{ url: "http://10.0.0.8", pool: "x" }, 400, "pool: is no pool"],
    [{ url: "10.0.0.8:80", pool: "shop" }, 400, "url: has no scheme: write http://10.0.0.8:80"],
    [{ url: "http://a,http://b", pool: "shop" }, 400, "url: must be one server"],
    [{ url: "http://u:p@a", pool: "shop" }, 400, 'url: contains an "@"'],
    [{ url: "http://10.0.0.6:3000", pool: "shop" }, 409, "has http://10.0.0.6:3000 already"],
    [{ url: "dns+srv://_http._tcp.example.com", pool: "shop", weight: 2 }, 400, "SRV records carry weights"],
  ])("refuses %j with %d", (body, status, why) => {
    const error = refusal(() => add(body));
    expect([error.status, error.message.includes(why) ? why : error.message]).toEqual([status, why]);
  });

  test("lets a server go, unless the pool would be without, or others went with it", () => {
    const go = server();
    expect(planRemoval(go, 1, pools)).toMatchObject({
      action: "server.remove",
      set: [{ kind: "server_removed", target: { pool: "shop", url: "http://10.0.0.5:3000" } }],
      warnings: ["it finishes 4 requests before it is gone"],
    });
    expect(refusal(() => planRemoval(go, 2, pools)).code).toBe("several_addresses");
    const only = [{ name: "shop", servers: [host("10.0.0.5", 3000)] }];
    expect(refusal(() => planRemoval(go, 1, only)).code).toBe("last_server");
    expect(refusal(() => planRemoval(go, 1, [])).code).toBe("server_leaves");
  });
});
