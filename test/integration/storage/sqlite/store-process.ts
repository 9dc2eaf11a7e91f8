/**
 * A process with a learning store, told what to do by lines on standard input: `append <from> <to>`, `flush`, `status`,
 * `count`, `read`, `insert [bytes]`, `versions`, `close`. Each is answered by a line of JSON. Arguments: owner, trainer or reader; directory.
 */
import { createInterface } from "node:readline";
import type { LearningStore, TrainingStore } from "../../../../src/storage/learning-store.ts";
import { openLearningStore, openStoreReader, openTrainingStore } from "../../../../src/storage/open-store.ts";
import { at, FEATURES, model, POOL, read, Said, samples } from "../store-fixture.ts";

const [role, dataDir] = process.argv.slice(2);
const said = new Said();
const say = (answer: unknown) => process.stdout.write(`${JSON.stringify(answer)}\n`);

async function open(): Promise<TrainingStore> {
  if (role === "trainer") return openTrainingStore(at(dataDir), { features: FEATURES });
  if (role === "reader") return openStoreReader(at(dataDir), { features: FEATURES }) as TrainingStore;
  const options = { nowMs: Date.now, events: said, features: FEATURES, lockWaitMs: 0 };
  const { store, problem } = await openLearningStore(at(dataDir), options);
  say({ problem });
  return store;
}

const store = await open();

async function obey(line: string): Promise<unknown> {
  const [command, from, to] = line.split(" ");
  const owner = store as LearningStore;
  if (command === "append") owner.appendSamples(samples(Number(from), Number(to)));
  else if (command === "flush") return { flushed: await owner.flush() };
  else if (command === "status") return { ...owner.status(), said: said.lines };
  else if (command === "count") return { count: await store.countSamples(POOL) };
  else if (command === "read") return { rows: (await read(store)).rows.length };
  else if (command === "insert") {
    const files = { ...model().files, onnx: new Uint8Array(Number(from ?? 0)) };
    return { version: await store.insertModel(model({ files })) };
  } else if (command === "versions") return { versions: (await store.models({ limit: 1_000 })).map((m) => m.version) };
  else if (command === "close") await store.close();
  else throw new Error(`no such command: ${line}`);
  return {};
}

for await (const line of createInterface({ input: process.stdin })) {
  try {
    say(await obey(line));
  } catch (error) {
    say({ error: (error as Error).message });
  }
}
