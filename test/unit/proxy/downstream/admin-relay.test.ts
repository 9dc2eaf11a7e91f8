import { expect, test } from "bun:test";
import { type AdminQuery, metricsQuery, SERVERS_QUERY } from "../../../../src/proxy/downstream/admin-query.ts";
import { type AdminQuestion, AdminRelay, type AdminResponse } from "../../../../src/proxy/downstream/admin-relay.ts";
import { turn } from "../../../support/turn.ts";
import { getRequest } from "../support.ts";

const { buf, head } = getRequest("/metrics");
const METRICS_QUERY = metricsQuery(buf, head);

/** A relay whose questions the test answers. */
function scripted() {
  const asked: { path: string; signal: AbortSignal; answer: (body: Uint8Array) => Promise<void> }[] = [];
  const relay = new AdminRelay(({ path }, signal) => {
    const { promise, resolve, reject } = Promise.withResolvers<AdminResponse>();
    signal.addEventListener("abort", () => reject(signal.reason));
    const answer = async (body: Uint8Array): Promise<void> => {
      resolve({ status: 200, type: "text/plain", body, retryAfter: null });
      await turn();
    };
    asked.push({ path, signal, answer });
    return promise;
  });
  const got: string[] = [];
  const ask = (name: string, query: AdminQuery = METRICS_QUERY): AdminQuestion | null =>
    relay.ask(query, (answer) => got.push(`${name}: ${answer && Buffer.from(answer.body as Uint8Array)}`));
  return { asked, ask, got };
}
const bytes = (text: string) => Buffer.from(text);

test("one answer serves all who asked before it was begun, and nobody who came later", async () => {
  const { asked, ask, got } = scripted();
  ask("a");
  ask("b");
  ask("c");
  expect(asked.length).toBe(1);
  await asked[0].answer(bytes("1"));
  expect(got).toEqual(["a: 1"]);
  expect(asked.length).toBe(2);
  ask("d");
  await asked[1].answer(bytes("2"));
  expect(got).toEqual(["a: 1", "b: 2", "c: 2"]);
  await asked[2].answer(bytes("3"));
  expect(got.at(-1)).toBe("d: 3");
  expect(asked.length).toBe(3);
});

test("paths do not wait for each other", () => {
  const { asked, ask } = scripted();
  ask("a");
  ask("b", SERVERS_QUERY);
  expect(asked.map(({ path }) => path)).toEqual(["/metrics", "/api/v1/servers"]);
});

test("a question that nobody waits for is given up, and the next one is asked", async () => {
  const { asked, ask, got } = scripted();
  const first = ask("a");
  const second = ask("b");
  second?.end();
  first?.end();
  expect(asked[0].signal.aborted).toBe(true);
  ask("c");
  await turn();
  expect(asked.length).toBe(2);
  expect(asked[1].signal.aborted).toBe(false);
  await asked[1].answer(bytes("1"));
  expect(got).toEqual(["c: 1"]);
});

test("they are told when there is no answer", async () => {
  const got: unknown[] = [];
  const relay = new AdminRelay(() => Promise.reject(new Error("gone")));
  relay.ask(METRICS_QUERY, (answer) => got.push(answer));
  await turn();
  expect(got).toEqual([null]);
});

test("only so many may ask; ending twice is ending once", () => {
  const { ask } = scripted();
  const questions = Array.from({ length: 64 }, () => ask("x"));
  expect(questions.includes(null)).toBe(false);
  expect(ask("y")).toBeNull();
  questions[0]?.end();
  questions[0]?.end();
  expect(ask("y")).not.toBeNull();
  expect(ask("z")).toBeNull();
});

test("bytes of answers count once however many read them, until the last has ended", async () => {
  const { asked, ask } = scripted();
  const large = Buffer.alloc(20 * 1024 * 1024);
  const first = ask("a");
  await asked[0].answer(large);
  ask("b")?.end();
  await turn();
  const shared = [ask("c"), ask("d"), ask("e")]; // c is asked for at once, the others together after it
  await asked.at(-1)?.answer(bytes("small"));
  expect(shared[0]).not.toBeNull();
  await asked.at(-1)?.answer(large);
  expect(ask("f")).toBeNull(); // 40 MB are held
  shared[1]?.end();
  expect(ask("f")).toBeNull(); // e still reads them
  shared[2]?.end();
  expect(ask("f")).not.toBeNull();
  first?.end();
});
