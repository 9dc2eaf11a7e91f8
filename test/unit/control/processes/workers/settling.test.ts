import { expect, test } from "bun:test";
import { Settling } from "../../../../../src/control/processes/workers/settling.ts";
import { turn } from "../../../../support/turn.ts";

/** Whether it is over, as of a turn later. */
async function over(wait: Promise<void>): Promise<boolean> {
  let done = false;
  void wait.then(() => (done = true));
  await turn();
  return done;
}

test("nobody to wait for is nothing to wait for", async () => {
  expect(await over(new Settling<string>().sent([]))).toBe(true);
});

test("a message has settled when each has answered it", async () => {
  const settling = new Settling<string>();
  const wait = settling.sent(["a", "b"]);
  settling.answered("a");
  expect(await over(wait)).toBe(false);
  settling.answered("b");
  expect(await over(wait)).toBe(true);
});

test("answers are to the first message that has none: a later one waits for its own", async () => {
  const settling = new Settling<string>();
  const [first, second] = [settling.sent(["a"]), settling.sent(["a", "b"])];
  settling.answered("a");
  settling.answered("b");
  expect([await over(first), await over(second)]).toEqual([true, false]);
  settling.answered("a");
  expect(await over(second)).toBe(true);
  const third = settling.sent(["a"]);
  expect(await over(third)).toBe(false);
  settling.answered("a");
  expect(await over(third)).toBe(true);
});

test("who has gone is waited for no more", async () => {
  const settling = new Settling<string>();
  const wait = settling.sent(["a", "b"]);
  settling.answered("a");
  settling.gone("b");
  expect(await over(wait)).toBe(true);
});
