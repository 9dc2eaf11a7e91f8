import { describe, expect, test } from "bun:test";
import { BadBody, readPredictBody, toRows } from "../../../src/model-server/predict-body.ts";

function problemsOf(text: string): readonly string[] {
  try {
    readPredictBody(text);
  } catch (error) {
    expect(error).toBeInstanceOf(BadBody);
    return (error as BadBody).problems;
  }
  return [];
}

describe("a body of /predict", () => {
  test("becomes rows by name; what is missing, null or foreign is unknown or ignored", () => {
    const servers = readPredictBody(
      JSON.stringify({
        ts: 12,
        trace: {},
        servers: [
          { capacity: 10, server_id: "a", cpu_usage: 1, memory_usage: null, weight: 2, disk: "full", log_load: 0.5 },
          {},
        ],
      }),
    );
    expect([...toRows(servers, ["cpu_usage", "memory_usage", "capacity", "log_load"])]).toEqual([
      1,
      Number.NaN,
      10,
      0.5,
      ...new Array(4).fill(Number.NaN),
    ]);
  });

  test("rows have nothing of fields that are no features", () => {
    const servers = readPredictBody('{"servers": [{"__proto__": {"cpu_usage": 5}, "constructor": 3}]}');
    expect([...toRows(servers, ["cpu_usage", "memory_usage"])]).toEqual([Number.NaN, Number.NaN]);
  });

  test.each([
    ["", "the body is no JSON: "],
    ['{"servers": [{"cpu_usage": NaN}]}', "the body is no JSON: "],
    ["3", 'the body: is 3: it must be {"servers": [{"cpu_usage": …}, …]}'],
    ["{}", "servers: must be a list of servers"],
    ['{"servers": {}}', "servers: must be a list of servers"],
    ['{"servers": []}', "servers: is empty: name at least one server"],
    [`{"servers": [${new Array(4097).fill("{}").join()}]}`, "servers: has more than 4096 entries"],
    ['{"servers": [{}, 7]}', "servers[1]: is 7: it must be an object with the server's features"],
    ['{"servers": [{}, [1]]}', "servers[1]: is a list: it must be an object"],
    [
      '{"servers": [{}, {"cpu_usage": "12"}]}',
      'servers[1].cpu_usage: is the text "12": it must be a number, or left out',
    ],
    ['{"servers": [{"log_load": true}]}', "servers[0].log_load: is true: it must be a number, or left out"],
    ['{"servers": [{"weight": {}}]}', "servers[0].weight: is an object: it must be a number, or left out"],
    ['{"servers": [{"capacity": 1e999}]}', "servers[0].capacity: is Infinity: it must be a number"],
    ['{"servers": [{"server_id": []}]}', "servers[0].server_id: is a list: it must be a text or a number"],
  ])("is wrong: %p", (text, problem) => {
    const [first] = problemsOf(text);
    expect(first).toStartWith(problem);
  });

  test("has its first ten problems listed, and the others counted", () => {
    const servers = new Array(25).fill({ cpu_usage: "x" });
    const problems = problemsOf(JSON.stringify({ servers }));
    expect(problems.length).toBe(11);
    expect(problems[9]).toStartWith("servers[9].cpu_usage: ");
    expect(problems[10]).toBe("and 15 more");
  });
});
