import { describe, expect, test } from "bun:test";
import { MAX_NAMED_SERVERS } from "../../../../src/config/servers/list.ts";
import { MAX_SERVERS } from "../../../../src/shared/memory/layout/shared-memory.ts";
import { configOf, problemsOf } from "../../../support/configuration.ts";

function servers(text: string) {
  return configOf({ SERVERS: text }).servers.list;
}

describe("SERVERS", () => {
  test.each([
    ["http://backend-1:8001", { url: "http://backend-1:8001", scheme: "http", host: "backend-1", port: 8001 }],
    ["http://Backend.Example/", { url: "http://backend.example:80", host: "backend.example", port: 80 }],
    ["HTTPS://a.example", { url: "https://a.example:443", scheme: "https", port: 443, source: "names" }],
    ["http://10.0.0.5:3000", { host: "10.0.0.5", port: 3000 }],
    ["http://my_service:1", { host: "my_service", port: 1 }],
    ["http://[2001:DB8:0::1]:8001", { url: "http://[2001:db8::1]:8001", host: "2001:db8::1", port: 8001 }],
    ["https://[::1]", { url: "https://[::1]:443", host: "::1", port: 443 }],
    [
      "dns+srv://_http._tcp.example.com",
      {
        url: "dns+srv://_http._tcp.example.com",
        scheme: "http",
        host: "_http._tcp.example.com",
        port: 0,
        source: "srv",
      },
    ],
    ["dns+srv+https://_http._tcp.example.com", { scheme: "https", source: "srv" }],
    ["h2://a.example", { url: "h2://a.example:443", scheme: "h2", port: 443, source: "names" }],
    ["h2c://[::1]:50051", { url: "h2c://[::1]:50051", scheme: "h2c", host: "::1", port: 50051, source: "static" }],
    ["h2c://10.0.0.5", { url: "h2c://10.0.0.5:80", port: 80 }],
    ["dns+srv+h2://_grpc._tcp.example.com", { scheme: "h2", source: "srv" }],
    ["dns+srv+h2c://_grpc._tcp.example.com", { scheme: "h2c", source: "srv" }],
  ])("%s", (text, expected) => {
    expect(servers(text)).toEqual([expect.objectContaining(expected)]);
  });

  test("spaces around commas are no matter", () => {
    expect(servers(" http://a:1 , http://b:2 ").map(({ url }) => url)).toEqual(["http://a:1", "http://b:2"]);
  });

  test.each([
    ["backend:8001", "has no scheme: write http://backend:8001"],
    ["ftp://a", "has an unknown scheme: use http://, https://"],
    ["grpc://a:1", "servers of gRPC are h2c://, or h2:// with TLS"],
    ["http://a:1/app", "contains a path"],
    ["http://a:1?x=1", "contains a query or fragment"],
    ["http://a:1#x", "contains a query or fragment"],
    ["http://a:0", 'has a wrong port "0"'],
    ["http://a:65536", 'has a wrong port "65536"'],
    ["http://a:", 'has a wrong port ""'],
    ["http://a:+80", 'has a wrong port "+80"'],
    ["http://:80", "has no host"],
    ["http://", "has no host"],
    ["http://::1:80", "an IPv6 address needs brackets"],
    ["http://[::g]:80", "has a wrong IPv6 address"],
    ["http://[fe80::1%eth0]:80", "has a wrong IPv6 address"],
    ["http://[::1]x:80", "is not host:port"],
    ["http://a:1:2", "has more than one colon"],
    ["http://10.0.0:80", 'has a wrong host name or address "10.0.0"'],
    ["http://010.0.0.1:80", "has a wrong host name or address"],
    ["http://a..b:80", "has a wrong host name or address"],
    ["http://-a:80", "has a wrong host name or address"],
    ["http://a b:80", "contains a space"],
    ["http://a:1;http://b:2", 'contains a ";": separate servers by commas'],
    ["dns+srv://_http._tcp.example.com:80", "has a port: SRV records carry their own"],
    ["dns+srv://10.0.0.1", "must name an SRV record"],
  ])("%s: %s", (entry, message) => {
    const problems = problemsOf({ SERVERS: `http://ok:1,${entry}` });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toStartWith(`SERVERS (environment): entry 2 "${entry}" `);
    expect(problems[0]).toContain(message);
  });

  test("every wrong entry is listed", () => {
    expect(problemsOf({ SERVERS: "a:1,,http://b:1,http://B:1/,http://c:x" })).toEqual([
      expect.stringContaining('entry 1 "a:1" has no scheme'),
      expect.stringContaining("entry 2 is empty: remove the extra comma"),
      expect.stringContaining('entry 4 "http://B:1/" repeats entry 3'),
      expect.stringContaining('entry 5 "http://c:x" has a wrong port'),
    ]);
  });

  test("the same port of the same host is one server, whatever the scheme", () => {
    expect(problemsOf({ SERVERS: "http://a:443,https://a" })).toEqual([expect.stringContaining("repeats entry 1")]);
  });

  test("nothing of a password is repeated, not even when there is a comma in it", () => {
    const problems = problemsOf({ SERVERS: "http://user:s3,cr3t@a:1" });
    expect(problems).toEqual([
      'SERVERS=**** (environment): contains an "@": user names and passwords are not supported, remove them',
    ]);
  });

  test("there is a most", () => {
    const hosts = (count: number): string =>
      Array.from({ length: count }, (_, i) => `http://10.0.${i >> 8}.${i & 255}:80`).join(",");
    const [problem] = problemsOf({ SERVERS: hosts(MAX_SERVERS + 1) });
    expect(problem).toContain(`names ${MAX_SERVERS + 1} servers in all; the most is ${MAX_SERVERS}`);
    expect(problem.length).toBeLessThan(300);
    const [tooMany] = problemsOf({ SERVERS: hosts(MAX_NAMED_SERVERS + 1), SUBSET_SIZE: "50" });
    expect(tooMany).toContain(`names ${MAX_NAMED_SERVERS + 1} servers; the most is ${MAX_NAMED_SERVERS}`);
    expect(tooMany.length).toBeLessThan(300);
  });

  test("there may be more where each instance uses a part of them", () => {
    const many = Array.from({ length: 2 * MAX_SERVERS }, (_, i) => `http://10.0.${i >> 8}.${i & 255}:80`).join(",");
    expect(problemsOf({ SERVERS: many, SUBSET_SIZE: "50" })).toEqual([]);
    expect(problemsOf({ SERVERS: many, SUBSET_SIZE: String(MAX_SERVERS + 1) })).toHaveLength(1);
  });
});

describe("SERVER_WEIGHT_… and SERVER_CAPACITY_…", () => {
  test("without them: weight 1, the contract's capacity shown, nothing enforced", () => {
    expect(servers("http://a:1")[0]).toMatchObject({ weight: 1, capacity: 10, hardLimit: 0 });
  });

  test.each([
    ["http://backend-1:8001", "backend-1_8001"],
    ["http://backend-1:8001", "BACKEND_1_8001"],
    ["http://backend-1:8001", "backend_1_8001"],
    ["http://a.example", "A_EXAMPLE_80"],
    ["https://a.example", "a.example_443"],
    ["http://10.0.0.5:3000", "10_0_0_5_3000"],
    ["http://[::1]:8001", "::1_8001"],
    ["http://[::1]:8001", "[::1]_8001"],
  ])("%s is named by …_%s", (url, suffix) => {
    const env = {
      SERVERS: `http://other:1,${url}`,
      [`SERVER_WEIGHT_${suffix}`]: "2.5",
      [`SERVER_CAPACITY_${suffix}`]: "7",
    };
    const [other, server] = configOf(env).servers.list;
    expect(server).toMatchObject({ weight: 2.5, capacity: 7, hardLimit: 7 });
    expect(other).toMatchObject({ weight: 1, hardLimit: 0 });
  });

  test("the name as written wins over names that only look alike", () => {
    const env = { SERVERS: "http://a-b:1,http://a_b:1", "SERVER_WEIGHT_a-b_1": "3" };
    expect(configOf(env).servers.list.map(({ weight }) => weight)).toEqual([3, 1]);
    const [problem] = problemsOf({
      SERVERS: "http://a-b:1,http://a_b:1",
      SERVER_WEIGHT_A_B_1: "3",
    });
    expect(problem).toContain(
      "names more than one server of SERVERS; valid here: SERVER_WEIGHT_a-b_1, SERVER_WEIGHT_a_b_1",
    );
  });

  test("an unknown server is an error that names the known ones", () => {
    expect(problemsOf({ SERVER_WEIGHT_backend_3_8003: "2" })).toEqual([
      "SERVER_WEIGHT_backend_3_8003 (environment): names no server of SERVERS; valid here: SERVER_WEIGHT_backend-1_8001, SERVER_WEIGHT_backend-2_8002",
    ]);
  });

  test("two names for one server are an error", () => {
    const env = { "SERVER_WEIGHT_backend-1_8001": "2", SERVER_WEIGHT_BACKEND_1_8001: "3" };
    expect(problemsOf(env)).toEqual([
      expect.stringContaining("says the same as SERVER_WEIGHT_backend-1_8001: remove one"),
    ]);
  });

  test.each([
    ["SERVER_WEIGHT_backend-1_8001", "0", "must be a number from 0.001 to 65535"],
    ["SERVER_WEIGHT_backend-1_8001", "heavy", "must be a number"],
    ["SERVER_CAPACITY_backend-1_8001", "0", "must be a whole number from 1 to"],
    ["SERVER_CAPACITY_backend-1_8001", "2.5", "must be a whole number"],
  ])("%s=%s: %s", (name, value, message) => {
    expect(problemsOf({ [name]: value })).toEqual([
      expect.stringContaining(`${name}="${value}" (environment): ${message}`),
    ]);
  });

  test("servers of an SRV record share a capacity and have the record's weights", () => {
    const SERVERS = "dns+srv://_http._tcp.example.com";
    const [server] = configOf({ SERVERS, "SERVER_CAPACITY__http._tcp.example.com": "5" }).servers.list;
    expect(server.hardLimit).toBe(5);
    expect(problemsOf({ SERVERS, "SERVER_WEIGHT__http._tcp.example.com": "5" })).toEqual([
      expect.stringContaining("SRV records carry weights of their own"),
    ]);
  });
});
