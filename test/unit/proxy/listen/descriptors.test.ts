import { describe, expect, test } from "bun:test";
import { DescriptorGuard } from "../../../../src/proxy/listen/descriptors.ts";
import { WorkerCounter } from "../../../../src/shared/memory/layout/worker-counters.ts";

const C = WorkerCounter;

/** A process with 20 descriptors of its own, and those of the connections that the counters speak of. */
function makeGuard(limit: number, open = 20) {
  const counters = new Float64Array(C.LENGTH);
  const system = { open, looks: 0, limit };
  const guard = new DescriptorGuard(counters, {
    limit: () => system.limit,
    open: () => {
      system.looks++;
      return system.open;
    },
  });
  const accept = (nowMs = 0): boolean => {
    if (!guard.admits(nowMs)) return false;
    counters[C.CONNECTIONS_OPEN]++;
    counters[C.CONNECTIONS_ACCEPTED]++;
    system.open++;
    return true;
  };
  return { counters, system, accept };
}

describe("descriptors", () => {
  test("each client is let in with one for its server, and a reserve stays free", () => {
    const { counters, accept } = makeGuard(152);
    let clients = 0;
    while (accept()) clients++;
    expect(clients).toBe((152 - 32 - 20) / 2);
    expect([counters[C.DESCRIPTORS_SHORT], counters[C.CONNECTIONS_REJECTED]]).toEqual([1, 1]);
    counters[C.CONNECTIONS_OPEN]--;
    expect(accept()).toBe(true);
  });

  test("idle connections to servers count", () => {
    const { counters, accept } = makeGuard(152);
    counters[C.UPSTREAM_IDLE] = 98;
    expect([accept(), accept()]).toEqual([true, false]);
  });

  test("descriptors that nothing accounts for are found by looking, at most every 20 ms", () => {
    const { counters, system, accept } = makeGuard(1000);
    counters[C.UPSTREAM_CONNECTS] = 2000; // opened since, and closed again
    expect([accept(0), accept(1)]).toEqual([true, true]);
    expect(system.looks).toBe(2);
    system.open = 968;
    counters[C.UPSTREAM_CONNECTS] += 948;
    expect(accept(10)).toBe(false);
    expect(accept(19.9)).toBe(false);
    expect(system.looks).toBe(2);
    expect(accept(20)).toBe(false);
    expect(system.looks).toBe(3);
    system.open = 60;
    expect(accept(30)).toBe(false);
    expect(accept(40)).toBe(true);
  });

  test("a limit that leaves no room is refused at the start; an unknown one limits nothing", () => {
    expect(() => makeGuard(20 + 32 + 8)).not.toThrow();
    expect(() => makeGuard(20 + 32 + 7)).toThrow("at least 60 are needed");
    const { accept } = makeGuard(Number.POSITIVE_INFINITY, Number.NaN);
    for (let i = 0; i < 1000; i++) expect(accept(i)).toBe(true);
  });
});
