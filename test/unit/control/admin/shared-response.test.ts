import { expect, test } from "bun:test";
import { type After, BusyError, SharedResponse } from "../../../../src/control/admin/shared-response.ts";
import { turn } from "../../../support/turn.ts";

const wanted = new AbortController().signal;

/** A clock that stands still until it is told to go on. */
class Clock {
  #nowMs = 0;
  readonly #due = new Map<() => void, number>();

  readonly nowMs = (): number => this.#nowMs;

  readonly after: After = (ms, work) => {
    this.#due.set(work, this.#nowMs + ms);
    return () => this.#due.delete(work);
  };

  /** Work takes time; nothing that is due is done meanwhile. */
  spend(ms: number): void {
    this.#nowMs += ms;
  }

  /** Nothing happens for so long but what is due. */
  pass(ms: number): void {
    this.#nowMs += ms;
    for (const [work, dueMs] of [...this.#due]) {
      if (dueMs > this.#nowMs) continue;
      this.#due.delete(work);
      work();
    }
  }
}

/** A response that takes `steps` pieces of work; each costs as much of the clock as `costMs` says. */
function counted(steps: number, costMs = 0) {
  const seen = { begun: 0, steps: 0 };
  const clock = new Clock();
  const answer = new SharedResponse(
    function* () {
      const number = ++seen.begun;
      for (let i = 0; i < steps; i++) {
        seen.steps++;
        clock.spend(costMs);
        yield;
      }
      return number;
    },
    clock.nowMs,
    clock.after,
  );
  return { answer, seen, clock };
}

test("one serves all who asked before it was begun; who comes later gets the next", async () => {
  const { answer, seen, clock } = counted(10, 1);
  const first = answer.get(wanted);
  const later = Array.from({ length: 50 }, () => answer.get(wanted));
  expect(await first).toBe(1);
  clock.pass(90);
  expect(await Promise.all(later)).toEqual(Array(50).fill(2));
  expect(seen.begun).toBe(2);
});

test("others have their turn in between, however long it takes", async () => {
  const { answer, seen } = counted(100, 1);
  const stepsAtTurn: number[] = [];
  let over = false;
  const watch = (): void => {
    stepsAtTurn.push(seen.steps);
    if (!over) setImmediate(watch);
  };
  setImmediate(watch);
  await answer.get(wanted);
  over = true;
  const longest = Math.max(...stepsAtTurn.map((steps, i) => steps - (stepsAtTurn[i - 1] ?? 0)));
  expect(stepsAtTurn.length).toBeGreaterThan(20);
  expect(longest).toBe(2); // 2 ms of work
});

test("after each there is a rest in proportion to the work", async () => {
  const { answer, seen, clock } = counted(10, 10_000); // 100 s of work, then 900 s of rest
  await answer.get(wanted);
  const gone = new AbortController();
  const second = answer.get(gone.signal);
  clock.pass(899_999);
  for (let i = 0; i < 20; i++) await turn();
  expect(seen.begun).toBe(1);
  gone.abort(new Error("gone"));
  await expect(second).rejects.toThrow("gone");
  clock.pass(1);
  expect(await answer.get(wanted)).toBe(2);
});

test("what nobody wants any more is not made, and rested from like what is", async () => {
  const { answer, seen, clock } = counted(1000, 10_000);
  const gone = new AbortController();
  const first = answer.get(gone.signal);
  gone.abort(new Error("gone"));
  await expect(first).rejects.toThrow("gone");
  const later = new AbortController();
  const second = answer.get(later.signal);
  for (let i = 0; i < 20; i++) await turn();
  expect(seen).toEqual({ begun: 1, steps: 1 });
  later.abort(new Error("gone too"));
  await expect(second).rejects.toThrow("gone too");
  clock.pass(91_000);
  const third = answer.get(later.signal);
  await expect(third).rejects.toThrow("gone too");
  expect(seen.begun).toBe(1);
});

test("what fails, fails all who wait for it, and the next is tried anew", async () => {
  const clock = new Clock();
  let calls = 0;
  const answer = new SharedResponse<string>(
    // biome-ignore lint/correctness/useYield: it fails before it could
    function* () {
      if (++calls === 1) throw new Error("broken");
      return "well";
    },
    clock.nowMs,
    clock.after,
  );
  await expect(answer.get(wanted)).rejects.toThrow("broken");
  expect(await answer.get(wanted)).toBe("well");
});

test("who asks for too much is told at once", async () => {
  const { answer, clock } = counted(3, 1);
  const all = Array.from({ length: 66 }, () => answer.get(wanted).catch((error: unknown) => error));
  expect(await all[65]).toBeInstanceOf(BusyError);
  expect(await all[0]).toBe(1);
  clock.pass(27);
  expect(await all[64]).toBe(2);
});

/** Responses of several kinds; a piece of work costs as much of the clock as `costMs` says. */
function kinds(costMs: number) {
  const begun: string[] = [];
  const clock = new Clock();
  const answer = new SharedResponse(
    function* (kind: string) {
      begun.push(kind);
      clock.spend(costMs);
      yield;
      begun.push(`${kind} made`);
      return kind;
    },
    clock.nowMs,
    clock.after,
  );
  return { answer, begun, clock };
}

test("kinds are made one at a time, who has waited longest first; what nobody wants any more not at all", async () => {
  const { answer, begun, clock } = kinds(1);
  const gone = new AbortController();
  const all = [answer.get(wanted, "a"), answer.get(wanted, "b"), answer.get(gone.signal, "c"), answer.get(wanted, "d")];
  all.push(answer.get(wanted, "b"), answer.get(wanted, "a"));
  gone.abort(new Error("gone"));
  for (let made = 1; made <= 4; made++) {
    while (begun.length < 2 * made) await turn();
    clock.pass(9); // the rest after it
  }
  const answers = await Promise.allSettled(all);
  expect(answers.map((each) => (each.status === "fulfilled" ? each.value : "none"))).toEqual([
    ..."ab",
    "none",
    ..."dba",
  ]);
  const order = begun.filter((each) => !each.includes("made"));
  expect(begun).toEqual(order.flatMap((kind) => [kind, `${kind} made`]));
  expect(order.slice(0, 2)).toEqual(["a", "b"]);
  expect(order.sort()).toEqual([..."aabd"]);
});

test("the rest after one kind is one for all of them", async () => {
  const { answer, begun } = kinds(10_000);
  await answer.get(wanted, "a");
  const gone = new AbortController();
  const other = answer.get(gone.signal, "b");
  for (let i = 0; i < 20; i++) await turn();
  gone.abort(new Error("gone"));
  await expect(other).rejects.toThrow("gone");
  expect(begun).toEqual(["a", "a made"]);
});
