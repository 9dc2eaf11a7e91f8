/** `OUTLIER_MINIMUM_VOLUME` was replaced by its default on its way to the fleet. */
import { expect, test } from "bun:test";
import { Fleet } from "../../src/control/fleet/fleet.ts";
import { FleetTable } from "../../src/control/fleet/table.ts";
import { toFleetOptions } from "../../src/control/supervisor/fleet-options.ts";
import { Header, SHARED_BYTES, viewSharedMemory } from "../../src/shared/memory/layout/shared-memory.ts";
import { configOf } from "../support/configuration.ts";
import { quietLog } from "../unit/control/fleet/fixtures.ts";

test.each([
  ["4", "ejected"],
  ["40", "up"],
])("with OUTLIER_MINIMUM_VOLUME=%s, four failures of eight answers mean: %s", async (volume, state) => {
  const memory = viewSharedMemory(new ArrayBuffer(SHARED_BYTES));
  memory.header[Header.WORKER_BLOCKS] = 1;
  const fleet = new Fleet({
    pool: 0,
    table: new FleetTable(memory),
    log: quietLog(),
    clock: { nowMs: () => performance.now(), wallMs: () => Date.now() },
    random: () => 0,
    resolver: { lookup: () => Promise.reject(), srv: () => Promise.reject() },
  });
  const env = { SERVERS: "http://127.0.0.1:9,http://127.0.0.2:9,http://127.0.0.3:9", HEALTH_CHECK_ENABLED: "false" };
  const config = configOf({ ...env, OUTLIER_MINIMUM_VOLUME: volume });
  await fleet.start(toFleetOptions(config, { upstreamCaPem: "", upstreamCertificate: null }));
  try {
    memory.workers[0].responses[1] = 8;
    memory.workers[0].failures[1] = 4;
    fleet.tick();
    expect(fleet.servers()[1].state as string).toBe(state);
  } finally {
    fleet.stop();
  }
});
