/** What other programs print becomes lines of the log, however much it is and however it comes. */
import { expect, test } from "bun:test";
import { logForeignLines } from "../../../../src/telemetry/log/foreign-lines.ts";
import type { LogFields } from "../../../../src/telemetry/log/logger.ts";

async function logged(chunks: readonly (string | Error)[], clock = () => 0) {
  const said: [LogFields, string][] = [];
  async function* stream() {
    for (const chunk of chunks) {
      if (chunk instanceof Error) throw chunk;
      yield Buffer.from(chunk);
    }
  }
  const log = { warn: (fields: LogFields, message: string) => void said.push([fields, message]) };
  await logForeignLines(stream(), { log, name: "worker 3", fields: { worker: 3 }, clock });
  return said;
}

const printed = (text: string): [LogFields, string] => [{ worker: 3, printed: text }, "worker 3 printed something"];

test("a line each, in whatever pieces it comes, without colours and empty lines", async () => {
  expect(await logged(["one\ntw", "o\n\n\x1b[31mre", "d\x1b[0m\n  in\n", "last"])).toEqual(
    ["one", "two", "red", "  in", "last"].map(printed),
  );
});

test("a stream that breaks has what came before", async () => {
  expect(await logged(["one\ntwo", new Error("gone")])).toEqual(["one", "two"].map(printed));
});

test("a line without an end takes no memory, and many lines no log", async () => {
  const [[fields]] = await logged(Array.from({ length: 100 }, () => "x".repeat(10_000)));
  expect(String(fields.printed)).toHaveLength(2000);
  let nowMs = 0;
  const said = await logged(["y\n".repeat(1000), "z\n"], () => nowMs++);
  expect(said).toHaveLength(101);
  expect(said.at(-1)).toEqual([{ worker: 3, lines: 901 }, "worker 3 printed more, which is left out"]);
  nowMs = 0;
  const later = await logged(["y\n".repeat(150), "z\n"], () => (nowMs += 1000));
  expect(later.at(-1)).toEqual(printed("z"));
  expect(later.some(([, message]) => message.includes("left out"))).toBe(false);
});
