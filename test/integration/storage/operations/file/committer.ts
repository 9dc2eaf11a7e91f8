/** Commits overrides one after the other, and says of each that it is kept, until it is killed. */

import { FileOperationsStore } from "../../../../../src/storage/operations/file/store.ts";
import { setting } from "../../../../unit/control/operations/fixture.ts";
import { entry } from "../contract.ts";

const store = new FileOperationsStore(process.argv[2], () => 0);
let { revision } = await store.read();
for (;;) {
  const value = String(revision + 1);
  revision = await store.commit(revision, [setting("X".repeat(3000), value, null)], [entry(revision + 1)]);
  process.stdout.write(`${revision}\n`);
}
