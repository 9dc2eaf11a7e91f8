/** What the supervisor does to the block of a worker that has died: the only time it writes there. */
import { QUEUE_GAUGES, QueueWord, setWaiter } from "../../../shared/memory/layout/queues.ts";
import { MAX_POOLS, type SharedMemory } from "../../../shared/memory/layout/shared-memory.ts";
import { WORKER_GAUGES } from "../../../shared/memory/layout/worker-counters.ts";

/**
 * Takes a dead worker's requests out of the fleet's in-flight totals, says that nobody waits in it, and clears its gauges. Its
 * counters stay: the next worker with this index goes on from them, so that no metric ever runs backwards.
 * Call it only once the process is known to be gone. A worker that was killed between the two writes that take or give
 * back a place leaves the total one off: InFlightAudit finds that. Returns the number of requests that died with it.
 */
export function reclaimWorkerBlock(memory: SharedMemory, index: number): number {
  const block = memory.workers[index];
  let lost = 0;
  for (let slot = 0; slot < block.ownInFlight.length; slot++) {
    const work = Atomics.exchange(block.ownWorkInFlight, slot, 0);
    if (work !== 0) Atomics.sub(memory.servers.workInFlight, slot, work);
    const transferring = Atomics.exchange(block.ownTransferring, slot, 0);
    if (transferring !== 0) Atomics.sub(memory.servers.transferring, slot, transferring);
    const share = Atomics.exchange(block.ownInFlight, slot, 0);
    if (share === 0) continue;
    Atomics.sub(memory.servers.inFlight, slot, share);
    lost += share;
  }
  for (let bucket = 0; bucket < block.ownClientConnections.length; bucket++) {
    const share = Atomics.exchange(block.ownClientConnections, bucket, 0);
    if (share !== 0) Atomics.sub(memory.clientConnections, bucket, share);
  }
  for (let row = 0; row < MAX_POOLS; row++) {
    setWaiter(memory.pools.waiters, row, index, false);
    for (const gauge of QUEUE_GAUGES) block.queues[row * QueueWord.LENGTH + gauge] = 0;
  }
  for (const gauge of WORKER_GAUGES) block.counters[gauge] = 0;
  block.info.fill(0);
  return lost;
}
