/**
 * Counts requests of servers that come and go, and writes examples, in the block of worker 0 until it is killed:
 * `counts-writer-process.ts <memory>`. Servers with an even id have one request of each kind at most; all parts of an example
 * are the same number.
 */
import { ExemplarWriter } from "../../../../src/shared/memory/exemplars.ts";
import { openSharedMemory } from "../../../../src/shared/memory/file.ts";
import { WorkerCounter } from "../../../../src/shared/memory/layout/worker-counters.ts";
import { countRequest, freeSeries, Method } from "../../../../src/shared/memory/series-table.ts";

const SERVERS = 20;
const MANY = 50;

const [path] = process.argv.slice(2);
const block = openSharedMemory(path).workers[0];
const writer = new ExemplarWriter(block.exemplars);
// Behind all that one before it has counted, of which nothing stays.
const first = block.counters[WorkerCounter.REQUESTS] + 1;
freeSeries(block, () => true);
for (let deployment = first; ; deployment++) {
  const from = deployment * SERVERS;
  for (let server = from; server < from + SERVERS; server++) {
    for (let status = 200; status < 260; status++) {
      const times = server % 2 === 0 ? 1 : MANY;
      for (let i = 0; i < times; i++) countRequest(block, 0, Method.GET, status, server);
    }
    writer.write(0, 0, server, server, Buffer.from(server.toString(16).padStart(32, "0")), 0);
  }
  freeSeries(block, (_, server) => server < from);
  block.counters[WorkerCounter.REQUESTS] = deployment;
  if (deployment % 20 === 0) await Bun.sleep(1); // let the reader have the processor
}
