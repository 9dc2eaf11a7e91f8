/** Appends records to the outcomes of worker 0: `ring-writer-process.ts <memory> <count>`. Every word is the number. */

import { openSharedMemory } from "../../../../src/shared/memory/file.ts";
import { OUTCOME_ROWS, OutcomeWord } from "../../../../src/shared/memory/layout/learning.ts";
import { RingWriter } from "../../../../src/shared/memory/ring.ts";

const [path, count] = process.argv.slice(2);
const writer = new RingWriter(openSharedMemory(path).rings[0].outcomes, OUTCOME_ROWS, OutcomeWord.LENGTH);
for (let number = 1; number <= Number(count); number++) {
  const at = writer.next();
  for (let i = 0; i < OutcomeWord.LENGTH; i++) writer.ring.words[at + i] = number;
  writer.commit();
  if (number % 5000 === 0) await Bun.sleep(1); // let the reader have the processor
}
