import { expect, test } from "bun:test";
import { PANIC_HOLD_MS } from "../../../src/health/panic-mode.ts";
import { ServersInUse, type StandbyFor, type UsedServer, type UseOptions } from "../../../src/health/servers-in-use.ts";
import { ServerState } from "../../../src/shared/memory/layout/shared-memory.ts";

const OPTIONS: UseOptions = { preferZone: false, zone: null, panicThresholdPercent: 50 };
const IN_EU: UseOptions = { ...OPTIONS, preferZone: true, zone: "eu" };
const { UP, DOWN, DRAINING, EJECTED } = ServerState;

function server(state: ServerState, more: Partial<UsedServer> = {}): UsedServer {
  return { state, backup: false, zone: null, standby: null, ...more };
}
const backup = (state: ServerState, zone: string | null = null) => server(state, { backup: true, zone });
const eu = (state: ServerState) => server(state, { zone: "eu" });
const us = (state: ServerState) => server(state, { zone: "us" });
const standing = (servers: readonly UsedServer[]): (StandbyFor | null)[] => servers.map(({ standby }) => standby);

test("without backups and zones all are in use", () => {
  const servers = [server(UP), server(DOWN), server(EJECTED), server(DRAINING)];
  expect(new ServersInUse().choose(servers, OPTIONS, 0)).toEqual({ total: 3, up: 1 });
  expect(standing(servers)).toEqual([null, null, null, null]);
});

test("backups stand by while any other is up, and the others alone are judged", () => {
  const servers = [server(UP), server(DOWN), server(DOWN), backup(UP), backup(DOWN)];
  expect(new ServersInUse().choose(servers, OPTIONS, 0)).toEqual({ total: 3, up: 1 });
  expect(standing(servers)).toEqual([null, null, null, "primaries", "primaries"]);
});

test.each([
  ["down", DOWN],
  ["ejected", EJECTED],
  ["drained", DRAINING],
])("backups take over at once when all others are %s, and are judged instead", (_, state) => {
  const use = new ServersInUse();
  const servers = [server(state), server(state), backup(UP), backup(DOWN)];
  expect(use.choose(servers, OPTIONS, 0)).toEqual({ total: 2, up: 1 });
  expect(standing(servers)).toEqual([null, null, null, null]);
  const back = [server(UP), server(state), ...servers.slice(2)];
  use.choose(back, OPTIONS, 1);
  expect(standing(back)).toEqual([null, null, "primaries", "primaries"]);
});

test("where nobody is up, all are judged: too few is what they are", () => {
  const servers = [server(DOWN), backup(DOWN), backup(EJECTED)];
  expect(new ServersInUse().choose(servers, OPTIONS, 0)).toEqual({ total: 3, up: 0 });
});

test("a pool of backups alone has them in use", () => {
  const servers = [backup(UP), backup(UP)];
  expect(new ServersInUse().choose(servers, OPTIONS, 0)).toEqual({ total: 2, up: 2 });
  expect(standing(servers)).toEqual([null, null]);
});

test("of the own zone half must be up for the others to stand by; who has no zone is of every zone", () => {
  const servers = [eu(UP), eu(DOWN), server(UP), us(UP)];
  expect(new ServersInUse().choose(servers, IN_EU, 0)).toEqual({ total: 3, up: 2 });
  expect(standing(servers)).toEqual([null, null, null, "zone"]);
  const fewer = [eu(UP), eu(DOWN), eu(DOWN), us(UP)];
  expect(new ServersInUse().choose(fewer, IN_EU, 0)).toEqual({ total: 4, up: 2 });
  expect(standing(fewer)).toEqual([null, null, null, null]);
});

test("the other zones stay in use for a while after the own one has recovered", () => {
  const use = new ServersInUse();
  use.choose([eu(DOWN), eu(DOWN), us(UP)], IN_EU, 0);
  const recovered = [eu(UP), eu(UP), us(UP)];
  use.choose(recovered, IN_EU, 10);
  expect(standing(recovered)).toEqual([null, null, null]);
  use.choose(recovered, IN_EU, 10 + PANIC_HOLD_MS);
  expect(standing(recovered)).toEqual([null, null, "zone"]);
});

test("who is well elsewhere comes before panic in the own zone", () => {
  const servers = [eu(UP), eu(UP), eu(DOWN), us(UP), us(UP)];
  expect(new ServersInUse().choose(servers, { ...IN_EU, panicThresholdPercent: 80 }, 0)).toEqual({ total: 5, up: 4 });
});

test("an instance without a zone, or in one that has no servers, prefers none", () => {
  for (const zone of [null, "asia"]) {
    const servers = [eu(UP), us(UP)];
    expect(new ServersInUse().choose(servers, { ...IN_EU, zone }, 0)).toEqual({ total: 2, up: 2 });
    expect(standing(servers)).toEqual([null, null]);
  }
});

test("backups are backups in whichever zone", () => {
  const servers = [eu(UP), us(UP), backup(UP, "eu"), backup(UP, "us")];
  new ServersInUse().choose(servers, IN_EU, 0);
  expect(standing(servers)).toEqual([null, "zone", "primaries", "primaries"]);
  const alone = [eu(DOWN), us(DOWN), backup(UP, "us")];
  expect(new ServersInUse().choose(alone, IN_EU, 0)).toEqual({ total: 1, up: 1 });
  expect(standing(alone)).toEqual([null, null, null]);
});
