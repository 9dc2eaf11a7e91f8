/**
 * A process that records, told what to do by lines on standard input: `seconds <from> <to>`, `flush`, `run <from>` (second
 * after second, telling each that is safe, until it is killed), `status`, `close`. Each is answered by a line of JSON.
 * Argument: directory.
 */
import { createInterface } from "node:readline";
import { openHistoryStore } from "../../../../../src/storage/open-store.ts";
import { WIDE_LIMITS } from "../../../../support/memory-history.ts";
import { event, metric, request } from "../../contract/history/rows.ts";
import { at, Said } from "../../store-fixture.ts";

const [directory] = process.argv.slice(2);
const said = new Said();
const say = (answer: unknown) => process.stdout.write(`${JSON.stringify(answer)}\n`);
const store = await openHistoryStore(at(directory), {
  nowMs: Date.now,
  instance: "one",
  limits: WIDE_LIMITS,
  events: said,
  lockWaitMs: 0,
});
say({ problem: store.status().problem });

const SERVERS = ["a:80", "b:80", "c:80"];

/** All that is recorded of second `n`. */
function record(n: number): void {
  store.appendMetrics(SERVERS.map((server) => metric(n, { server, requests: 1, durations: [1] })));
  store.appendRequests([request(n)]);
  if (n % 10 === 0) store.appendEvents([event(n)]);
}

async function obey(line: string): Promise<unknown> {
  const [command, from, to] = line.split(" ");
  if (command === "seconds") for (let n = Number(from); n < Number(to); n++) record(n);
  else if (command === "flush") return { flushed: await store.flush() };
  else if (command === "status") return { ...store.status(), said: said.lines };
  else if (command === "close") await store.close();
  else if (command === "run") {
    for (let n = Number(from); ; n++) {
      record(n);
      if (await store.flush()) say({ safe: n });
    }
  } else throw new Error(`no such command: ${line}`);
  return {};
}

for await (const line of createInterface({ input: process.stdin })) {
  try {
    say(await obey(line));
  } catch (error) {
    say({ error: (error as Error).message });
  }
}
