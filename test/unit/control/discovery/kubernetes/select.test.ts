import { describe, expect, test } from "bun:test";
import { selectEndpoints } from "../../../../../src/control/discovery/kubernetes/select.ts";
import { parseSlice } from "../../../../../src/control/discovery/kubernetes/slice.ts";
import { parseKubernetesService } from "../../../../../src/shared/addresses/kubernetes-service.ts";
import { sliceOf, terminating } from "../../../../support/kubernetes/api-server.ts";

function select(slices: readonly unknown[], port = ":http", zone: string | null = null) {
  return selectEndpoints(slices.map(parseSlice), parseKubernetesService(`shop/web${port}`), zone);
}

const places = (...[slices, port]: Parameters<typeof select>) =>
  select(slices, port).endpoints.map((one) => `${one.address} ${one.port}`);

describe("conditions", () => {
  test("what is not said means ready", () => {
    expect(places([sliceOf("a", [{ addresses: ["10.0.0.1"] }, { addresses: ["10.0.0.2"], conditions: {} }])])).toEqual([
      "10.0.0.1 8080",
      "10.0.0.2 8080",
    ]);
    expect(places([sliceOf("a", [{ addresses: ["10.0.0.1"], conditions: { ready: null } }])])).toHaveLength(1);
  });

  test("one that is not ready gets nothing, serving or not", () => {
    const conditions = { ready: false, serving: true, terminating: false };
    expect(places([sliceOf("a", [{ addresses: ["10.0.0.1"], conditions }])])).toEqual([]);
  });

  test("one that ends gets nothing, also where it is published as ready all the same", () => {
    const conditions = { ready: true, serving: true, terminating: true };
    expect(places([sliceOf("a", ["10.0.0.1", { addresses: ["10.0.0.2"], conditions }])])).toEqual(["10.0.0.1 8080"]);
  });

  test("while all end, those that still serve are asked", () => {
    const conditions = { ready: false, serving: false, terminating: true };
    const slices = [sliceOf("a", [terminating("10.0.0.1"), { addresses: ["10.0.0.2"], conditions }])];
    expect(places(slices)).toEqual(["10.0.0.1 8080"]);
  });
});

describe("ports", () => {
  const two = [
    { name: "http", protocol: "TCP", port: 8080 },
    { name: "metrics", port: 9090 },
    { name: "dns", protocol: "UDP", port: 53 },
  ];

  test("are named, or numbered as the endpoints have them", () => {
    const slices = [sliceOf("a", ["10.0.0.1"], { ports: two })];
    expect(places(slices, ":metrics")).toEqual(["10.0.0.1 9090"]);
    expect(places(slices, ":8080")).toEqual(["10.0.0.1 8080"]);
  });

  test("a name may mean another number in each slice", () => {
    const slices = [sliceOf("a", ["10.0.0.1"]), sliceOf("b", ["10.0.0.2"], { ports: [{ name: "http", port: 81 }] })];
    expect(places(slices)).toEqual(["10.0.0.1 8080", "10.0.0.2 81"]);
  });

  test("the only one need not be said; one of several must be", () => {
    expect(places([sliceOf("a", ["10.0.0.1"])], "")).toEqual(["10.0.0.1 8080"]);
    expect(select([sliceOf("a", ["10.0.0.1"], { ports: two })], "")).toEqual({
      endpoints: [],
      complaint:
        "does not tell which port is meant: it has http (8080), metrics (9090); write the port's name or number behind the service",
    });
  });

  test("one that there is not, or of another protocol, is said with those that there are", () => {
    const { endpoints, complaint } = select([sliceOf("a", ["10.0.0.1"], { ports: two })], ":dns");
    expect([endpoints, complaint]).toEqual([
      [],
      expect.stringContaining("without port dns: it has http (8080), metrics"),
    ]);
  });

  test("a service without ports restricts no number", () => {
    expect(places([sliceOf("a", ["10.0.0.1"], { ports: null })], ":3000")).toEqual(["10.0.0.1 3000"]);
  });
});

describe("addresses", () => {
  test("one in several slices counts once, and is ready when one of them says so", () => {
    const ill = { addresses: ["10.0.0.2"], conditions: { ready: false } };
    const slices = [sliceOf("b", ["10.0.0.1", "10.0.0.2"]), sliceOf("a", ["10.0.0.1", ill])];
    expect(places(slices)).toEqual(["10.0.0.1 8080", "10.0.0.2 8080"]);
  });

  test("a pod with both families is one server; those of one family are all there", () => {
    const pod = (uid: string, address: string) => ({ addresses: [address], targetRef: { kind: "Pod", uid } });
    const slices = [
      sliceOf("six", [pod("p1", "fd00::1"), pod("p2", "FD00:0::2")], { addressType: "IPv6" }),
      sliceOf("four", [pod("p1", "10.0.0.1")]),
    ];
    expect(places(slices)).toEqual(["10.0.0.1 8080", "fd00::2 8080"]);
  });

  test("names are left out, and that is said", () => {
    const slices = [sliceOf("a", [{ addresses: ["web.example"] }], { addressType: "FQDN" })];
    expect(select(slices).complaint).toContain("addressType FQDN");
  });

  test("what is no address of the slice's family is left out, and that is said", () => {
    const wrong = ["::1", "10.0.0", "fe80::1%eth0", "", 7, null].map((address) => ({ addresses: [address] }));
    const { endpoints, complaint } = select([sliceOf("a", ["10.0.0.1", ...wrong, { addresses: [] }, null as never])]);
    expect(endpoints).toHaveLength(1);
    expect(complaint).toContain("has 8 endpoints that are no IP addresses");
  });

  test("they come in the same order, whoever tells them first", () => {
    const [one, other] = [sliceOf("a", ["10.0.0.9", "10.0.0.1"]), sliceOf("b", ["10.0.0.5"])];
    expect(places([one, other])).toEqual(places([other, one]));
  });
});

describe("zones", () => {
  const at = (address: string, zone: string, ...forZones: string[]) => ({
    addresses: [address],
    zone,
    ...(forZones.length > 0 && { hints: { forZones: forZones.map((name) => ({ name })) } }),
  });
  const zones = (own: string | null, ...endpoints: ReturnType<typeof at>[]) =>
    select([sliceOf("a", endpoints)], ":http", own).endpoints.map(({ zone }) => zone);

  test("are where the endpoints are, without hints", () => {
    expect(zones("a", at("10.0.0.1", "a"), at("10.0.0.2", "b"))).toEqual(["a", "b"]);
  });

  test("hints say for whom each is meant, by the zone of this instance", () => {
    expect(zones("b", at("10.0.0.1", "a", "a", "b"), at("10.0.0.2", "b", "c"))).toEqual(["b", "c"]);
  });

  test("hints that not every endpoint has mean nothing", () => {
    expect(zones("b", at("10.0.0.1", "a", "b"), at("10.0.0.2", "c"))).toEqual(["a", "c"]);
  });
});

test("a service without slices, and one without endpoints, are said to be so", () => {
  expect(select([]).complaint).toContain("has no EndpointSlice");
  expect(select([sliceOf("a", [], { endpoints: null })]).complaint).toBe("has no endpoints: has it any pods?");
});

test.each([[null], [7], ["slice"], [[]], [{}], [{ metadata: null }], [{ metadata: { name: "" } }]])(
  "%p is no slice",
  (value) => {
    expect(() => parseSlice(value)).toThrow("no EndpointSlice");
  },
);

test("wrong kinds of values in a slice mean what is not said", () => {
  const slice = {
    metadata: { name: "a" },
    addressType: "IPv4",
    ports: [{ port: "80" }, 7, { port: 70_000 }],
    endpoints: {},
  };
  expect(parseSlice(slice)).toMatchObject({ ports: [], endpoints: [], leftOut: 0 });
  const odd = { addresses: ["10.0.0.1"], conditions: "ready", zone: 7, hints: { forZones: [null, { name: 7 }] } };
  expect(parseSlice(sliceOf("a", [odd])).endpoints).toEqual([
    { address: "10.0.0.1", ready: true, serving: true, terminating: false, zone: null, forZones: [], owner: null },
  ]);
});
