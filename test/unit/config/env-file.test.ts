import { describe, expect, test } from "bun:test";
import { parseEnvFile } from "../../../src/config/sources/env-file.ts";

function valueIn(line: string): string | undefined {
  const { entries, problems } = parseEnvFile(line, ".env");
  expect(problems).toEqual([]);
  return entries.get("A")?.value;
}

describe("what a .env file may say", () => {
  test.each([
    ["A=1", "1"],
    ["A= 1 ", "1"],
    ["  export A=1", "1"],
    ["A=", ""],
    ["A=b # comment", "b"],
    ["A=# comment", ""],
    ["A=b#c", "b#c"],
    ["A=x=y", "x=y"],
    ["A=$HOME $(id)", "$HOME $(id)"],
    ["A='a \\n # \"b\"'", 'a \\n # "b"'],
    ['A="a\\n\\t\\"\\\\ # b" # comment', 'a\n\t"\\ # b'],
    ["A=it's", "it's"],
  ])("%s", (line, value) => {
    expect(valueIn(line)).toBe(value);
  });

  test("names of servers, comments, empty lines, Windows line ends and a byte order mark", () => {
    const text = "\ufeff# head\r\n\r\nSERVER_WEIGHT_backend-1_8001=3\r\nSERVER_WEIGHT_[::1]_80=2\r\n";
    const { entries, problems } = parseEnvFile(text, ".env");
    expect(problems).toEqual([]);
    expect([...entries]).toEqual([
      ["SERVER_WEIGHT_backend-1_8001", { value: "3", line: 3 }],
      ["SERVER_WEIGHT_[::1]_80", { value: "2", line: 4 }],
    ]);
  });
});

describe("what it may not", () => {
  test.each([
    ["A", 'has no "="'],
    ["A = 1", 'has a space before "=": write A=value'],
    ["1A=1", '"1A" is not a name'],
    ["=1", '"" is not a name'],
    ["A='b", "A has no closing ' on the same line"],
    ['A="b\\"', 'A has no closing " on the same line'],
    ['A="b" c', "A has text after the closing quote"],
    ['A="\\x"', "A has an unknown escape"],
  ])("%s", (line, message) => {
    expect(parseEnvFile(`OK=1\n${line}`, "my.env").problems).toEqual([
      expect.stringContaining(`my.env line 2: ${message}`),
    ]);
  });

  test("a name twice: the second is refused and says where the first is", () => {
    const { entries, problems } = parseEnvFile("A=1\nA=2", ".env");
    expect(problems).toEqual([".env line 2: A is set a second time (first on line 1): remove one"]);
    expect(entries.get("A")?.value).toBe("1");
  });

  test("problems do not repeat values: they may be secrets", () => {
    const { problems } = parseEnvFile('A=\'hunter2\nB="hunter2\\q"\nC="x" hunter2', ".env");
    expect(problems).toHaveLength(3);
    expect(problems.join()).not.toContain("hunter2");
  });
});
