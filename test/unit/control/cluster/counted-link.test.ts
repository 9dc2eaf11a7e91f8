import { expect, test } from "bun:test";
import { CountedLink } from "../../../../src/control/cluster/counted-link.ts";

test("counts what scripts are given and what they give, also of questions that fail", async () => {
  const answers: unknown[] = [["1234", ["ab", 7, null]], "xyz"];
  const link = new CountedLink({
    eval: async () => answers.shift() ?? Promise.reject(new Error("no answer within 400 ms")),
  });
  expect(await link.eval("return 1", ["key"], ["a", "bc"])).toEqual(["1234", ["ab", 7, null]]);
  expect(link.bytes).toEqual({ sent: 6, received: 6 });
  await link.eval("return 1", [], []);
  expect(link.eval("return 1", ["key"], [])).rejects.toThrow("no answer");
  expect(link.bytes).toEqual({ sent: 9, received: 9 });
});
