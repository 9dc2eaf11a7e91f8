/** Reads a server table whose every number is the same in each snapshot, and reports the snapshots that were torn. */
import { openSharedMemory } from "../../../../src/shared/memory/file.ts";
import { readServerTable } from "../../../../src/shared/memory/server-table/reader.ts";

const memory = openSharedMemory(process.argv[2]);
/** It is written often enough that so many are seen, however seldom this process has its turn. */
const ENOUGH = 100;
const end = performance.now() + 500;
const versions = new Set<number>();
let torn = 0;
while (performance.now() < end || versions.size < ENOUGH) {
  const read = readServerTable(memory, (table, pools) => {
    const n = table.id[0];
    for (let slot = 0; slot < 64; slot++) {
      const row = [table.id[slot], table.weight[slot], table.effectiveWeight[slot], table.capacity[slot]];
      if (row.some((value) => value !== n) || table.hardLimit[slot] !== n) return false;
    }
    return pools.panic[0] === n % 2;
  });
  if (read === undefined) continue;
  versions.add(read.version);
  if (!read.value) torn++;
}
console.log(JSON.stringify({ torn, versions: versions.size }));
