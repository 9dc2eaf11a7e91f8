/**
 * Appends records to the outcomes of worker 0 for as long as its parent wants it: `ring-writer-process.ts <memory>`. Every word
 * is the number.
 */

import { openSharedMemory } from "../../../../src/shared/memory/file.ts";
import { OUTCOME_ROWS, OutcomeWord } from "../../../../src/shared/memory/layout/learning.ts";
import { RingWriter } from "../../../../src/shared/memory/ring.ts";

const [path] = process.argv.slice(2);
const writer = new RingWriter(openSharedMemory(path).rings[0].outcomes, OUTCOME_ROWS, OutcomeWord.LENGTH);
let wanted = true;
process.on("disconnect", () => {
  wanted = false;
});
for (let number = 1; wanted; number++) {
  const at = writer.next();
  for (let i = 0; i < OutcomeWord.LENGTH; i++) writer.ring.words[at + i] = number;
  writer.commit();
  if (number % 5000 === 0) await Bun.sleep(1); // let the reader have the processor
}
