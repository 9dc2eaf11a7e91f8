import { expect, test } from "bun:test";
import { KeptAnswers } from "../../../../../src/control/admin/expectations/kept-answers.ts";

const never = new AbortController().signal;

/** Answers that are found when the test says so. */
function asking(most = 4) {
  let nowMs = 0;
  const kept = new KeptAnswers<string>({ keepMs: 100, most, nowMs: () => nowMs });
  const finding: { find: (answer: string) => void; fail: (error: Error) => void; signal: AbortSignal }[] = [];
  const ask = (question: string, signal: AbortSignal = never) =>
    kept.get(question, signal, (nobodyWaits) => {
      const { promise, resolve, reject } = Promise.withResolvers<string>();
      finding.push({ find: resolve, fail: reject, signal: nobodyWaits });
      return promise;
    });
  return {
    ask,
    finding,
    pass: (ms: number) => {
      nowMs += ms;
    },
  };
}

test("who asks the same at one time waits for one answer, which is kept for a while", async () => {
  const { ask, finding, pass } = asking();
  const both = [ask("a"), ask("a")];
  expect(finding).toHaveLength(1);
  finding[0].find("first");
  expect(await Promise.all(both)).toEqual(["first", "first"]);
  pass(99);
  expect(await ask("a")).toBe("first");
  pass(1);
  const later = ask("a");
  finding[1].find("second");
  expect(await later).toBe("second");
});

test("other questions have other answers", async () => {
  const { ask, finding } = asking();
  const both = [ask("a"), ask("b")];
  finding[1].find("of b");
  finding[0].find("of a");
  expect(await Promise.all(both)).toEqual(["of a", "of b"]);
});

test("one that leaves is told so, and the others wait on; when nobody does, it is not found", async () => {
  const { ask, finding } = asking();
  const [one, other] = [new AbortController(), new AbortController()];
  const first = ask("a", one.signal);
  const second = ask("a", other.signal);
  one.abort(new Error("gone"));
  await expect(first).rejects.toThrow("gone");
  expect(finding[0].signal.aborted).toBe(false);
  other.abort(new Error("gone, too"));
  await expect(second).rejects.toThrow("gone, too");
  expect(finding[0].signal.aborted).toBe(true);
  finding[0].fail(new Error("ended"));
  const again = ask("a");
  finding[1].find("anew");
  expect(await again).toBe("anew");
});

test("what was found is kept though who asked is gone", async () => {
  const { ask, finding } = asking();
  const one = new AbortController();
  const first = ask("a", one.signal);
  finding[0].find("found");
  expect(await first).toBe("found");
  one.abort(new Error("gone"));
  expect(await ask("a")).toBe("found");
  expect(finding).toHaveLength(1);
});

test("who is gone already asks nothing", async () => {
  const { ask, finding } = asking();
  await expect(ask("a", AbortSignal.abort(new Error("gone")))).rejects.toThrow("gone");
  expect(finding).toHaveLength(0);
});

test("a failure is everybody's who waited, and is not kept", async () => {
  const { ask, finding } = asking();
  const both = [ask("a"), ask("a")].map((one) => one.catch((error: Error) => error.message));
  finding[0].fail(new Error("busy"));
  expect(await Promise.all(both)).toEqual(["busy", "busy"]);
  const again = ask("a");
  finding[1].find("found");
  expect(await again).toBe("found");
});

test("so many are kept, and the oldest goes", async () => {
  const { ask, finding } = asking(2);
  for (const [i, name] of ["a", "b", "c"].entries()) {
    const answer = ask(name);
    finding[i].find(name);
    await answer;
  }
  expect(await ask("c")).toBe("c");
  expect(await ask("b")).toBe("b");
  expect(finding).toHaveLength(3);
  void ask("a");
  expect(finding).toHaveLength(4);
});
