import { expect, test } from "bun:test";
import { Turns } from "../../../../src/control/supervisor/turns.ts";

/** Turns whose pauses end when the test says so. */
function paused() {
  const pauses: (() => void)[] = [];
  const turns = new Turns(() => new Promise((resolve) => pauses.push(resolve)));
  /** Lets what needs no pause go on, as far as it comes. */
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 20; i++) await Promise.resolve();
  };
  /** Ends a pause. */
  const go = async (): Promise<void> => {
    await settle();
    pauses.shift()?.();
    await settle();
  };
  return { turns, settle, go };
}

test("changes are made one after the other, with a pause before each", async () => {
  const { turns, settle, go } = paused();
  const done: string[] = [];
  const first = Promise.withResolvers<void>();
  void turns.take(async () => {
    await first.promise;
    done.push("first");
  });
  void turns.take(async () => void done.push("second"));
  await go();
  await go();
  expect(done).toEqual([]);
  first.resolve();
  await settle();
  expect(done).toEqual(["first"]);
  await go();
  expect(done).toEqual(["first", "second"]);
});

test("what is asked for again while it waits is done once, and again when it has begun", async () => {
  const { turns, go } = paused();
  let begun = 0;
  const ends: (() => void)[] = [];
  const change = () => {
    begun++;
    return new Promise<void>((resolve) => ends.push(resolve));
  };
  const all = [turns.take(change), turns.take(change), turns.take(change)];
  await go();
  expect(begun).toBe(1);
  for (let i = 0; i < 10; i++) all.push(turns.take(change));
  ends[0]();
  await go();
  await go();
  expect(begun).toBe(2);
  ends[1]();
  await Promise.all(all);
  await go();
  expect(begun).toBe(2);
});

test("one that fails tells who asked for it, and does not stop those behind it", async () => {
  const turns = new Turns(() => Promise.resolve());
  const wrong = turns.take(() => Promise.reject(new Error("wrong")));
  let done = false;
  const next = turns.take(async () => {
    done = true;
  });
  await expect(wrong).rejects.toThrow("wrong");
  await next;
  expect(done).toBe(true);
});
