/** Stands in for the process that answers a question about history. Its parameters say what it does. */
import { appendFileSync } from "node:fs";

const task = (await Bun.stdin.json()) as { parameters: Record<string, string> };
const { journal, act = "echo" } = task.parameters;
if (journal !== undefined) appendFileSync(journal, `${process.pid}\n`);
if (act === "hang") setInterval(() => {}, 1_000);
if (act === "crash") process.exit(3);
if (act === "flood") await Bun.write(Bun.stdout, "x".repeat(4_000_000)).catch(() => {}); // nobody reads all of it
if (act === "echo") {
  await Bun.write(Bun.stdout, JSON.stringify({ kind: "answer", answer: { task, argv: process.argv.slice(2) } }));
}
