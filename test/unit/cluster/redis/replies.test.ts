/** What Redis says, of all versions, as errors and as addresses. */
import { describe, expect, test } from "bun:test";
import { readRanges } from "../../../../src/cluster/redis/directory/cluster-directory.ts";
import { nodeAddress } from "../../../../src/cluster/redis/directory/node-address.ts";
import { errorOfReply } from "../../../../src/cluster/redis/redis-error.ts";

const kindOf = (reply: string): string => errorOfReply(reply, "r:6379", "REDIS_PASSWORD").kind;

describe("error replies", () => {
  test.each([
    ["WRONGPASS invalid username-password pair or user is disabled.", "auth"],
    ["ERR invalid password", "auth"], // 5
    ["NOAUTH Authentication required.", "auth"],
    ["ERR Client sent AUTH, but no password is set", "auth"], // 5
    ["NOPERM this user has no permissions to run the 'evalsha' command", "auth"],
    ["OOM command not allowed when used memory > 'maxmemory'. script: 0b04, on @user_script:3.", "full"],
    ["ERR Error running script (call to f_0b04): @user_script:1: -OOM command not allowed when used memory", "full"], // 6
    ["READONLY You can't write against a read only replica. script: 0b04, on @user_script:1.", "readonly"],
    ["ERR Error running script (call to f_0b04): @user_script:1: -READONLY You can't write against", "readonly"], // 6
    ["WRONGTYPE Operation against a key holding the wrong kind of value script: 0b04", "script"],
    ["ERR user_script:1: attempt to index global 'x' (a nil value) script: 0b04, on @user_script:1.", "script"],
    ["ERR Error compiling script (new function): user_script:1: unexpected symbol", "script"],
    ["LOADING Redis is loading the dataset in memory", "other"],
    ["CLUSTERDOWN Hash slot not served", "other"],
    ["MOVED 3999 127.0.0.1:6381", "other"],
    ["NBFULL 1000 instances are there already", "other"],
    ["", "other"],
  ])("%s: %s", (reply, kind) => {
    expect(kindOf(reply)).toBe(kind);
  });

  test("have no password in them, are short, and do nothing to a terminal", () => {
    const unknown = errorOfReply("ERR unknown command 'AUTH', with args beginning with: 'u' 'hunter2' ", "r:1", "X");
    expect(unknown.message).toBe("r:1: ERR unknown command 'AUTH'");
    const { message } = errorOfReply(`ERR \u001b[2J${"x".repeat(100_000)}`, "r:1", "X");
    expect(message.length).toBeLessThan(400);
    expect(message).not.toContain("\u001b");
  });
});

describe("slots", () => {
  test("are read with their masters; a server that does not know its own address has the one that was asked", () => {
    const answer = [
      [0, 5460, ["10.0.0.1", 7000, "id", []], ["10.0.0.2", 7003, "id"]],
      [5461, 10_922, ["", 7001, "id"]],
      [10_923, 16_383, [null, 7002, "id"]],
    ];
    expect(readRanges(answer, "[::1]:7000")).toEqual([
      { first: 0, last: 5460, addr: "10.0.0.1:7000" },
      { first: 5461, last: 10_922, addr: "[::1]:7001" },
      { first: 10_923, last: 16_383, addr: "[::1]:7002" },
    ]);
  });

  test.each([
    [null],
    ["OK"],
    [[]],
    [[[0, 16_384, ["a", 1]]]],
    [[[5, 4, ["a", 1]]]],
    [[[0, 1, ["a", 0]]]],
    [[[0, 1, ["a b", 1]]]],
    [[[0, 1]]],
    [[["0", "1", ["a", 1]]]],
    [[0, 1]],
  ])("%j means nothing", (answer) => {
    expect(() => readRanges(answer, "a:1")).toThrow();
  });

  test("addresses are names, IPv4 or IPv6, and ports that there can be", () => {
    expect(nodeAddress("redis-1.internal", 6379)).toBe("redis-1.internal:6379");
    expect(nodeAddress("fd00::1", 6379)).toBe("[fd00::1]:6379");
    for (const [host, port] of [
      ["a\r\n", 1],
      ["a".repeat(300), 1],
      ["a", 65_536],
      ["a", 1.5],
      ["a", Number.NaN],
      [7, 1],
    ])
      expect(nodeAddress(host, port)).toBeNull();
  });
});
