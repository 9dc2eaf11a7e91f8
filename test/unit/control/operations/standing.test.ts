import { describe, expect, test } from "bun:test";
import { Standing } from "../../../../src/control/operations/standing.ts";
import type { Weighed } from "../../../../src/control/operations/weigh.ts";
import type { Override } from "../../../../src/shared/operations/override.ts";
import { seenKey } from "../../../../src/storage/operations/store.ts";
import { override, SERVER } from "./fixture.ts";

const drained = override({ kind: "state", target: SERVER, value: "drain", configured: "active" });
const heavy = override({ kind: "weight", target: SERVER, value: 9, configured: 1 });
const NOTHING_KEPT = { revision: 1, overrides: [], trouble: null };

/** With these in force, and these that do not go with the configuration. */
function weighed(holds: readonly Override[], overruled: readonly Override[]): Weighed {
  return {
    holds,
    overruled: overruled.map((one) => ({ override: one, why: "it is another", now: 4 })),
  } as unknown as Weighed;
}

function sharing(more: { shared?: boolean; endsWithAll?: boolean } = {}) {
  const told: { readonly seen: string[]; readonly lost: string[] }[] = [];
  const store = {
    shared: true,
    endsWithAll: true,
    remember: (seen: ReadonlySet<string>, lost: ReadonlySet<string>) => {
      told.push({ seen: [...seen], lost: [...lost] });
    },
    ...more,
  };
  return { standing: new Standing(store), told };
}

describe("what does not go with the configuration", () => {
  test("ends where it is kept for one instance", () => {
    const { standing } = sharing({ shared: false, endsWithAll: false });
    standing.open(NOTHING_KEPT);
    expect(standing.losses(weighed([], [drained]))).toMatchObject({
      ended: [{ override: drained }],
      lost: [],
      dormant: [],
    });
  });

  test("in a database ends if it was in force here, and else sleeps", () => {
    const { standing } = sharing({ endsWithAll: false });
    standing.open({ ...NOTHING_KEPT, seen: new Set([seenKey(drained)]) });
    const losses = standing.losses(weighed([], [drained, heavy]));
    expect(losses).toMatchObject({ ended: [{ override: drained }], lost: [], dormant: [{ override: heavy }] });
  });

  test("in a cluster is lost here if it was in force, which outlives a restart, until it goes with the configuration again", () => {
    const { standing, told } = sharing();
    standing.open({ ...NOTHING_KEPT, seen: new Set([seenKey(drained)]) });
    const first = weighed([], [drained, heavy]);
    const losses = standing.losses(first);
    expect(losses).toMatchObject({ ended: [], lost: [{ override: drained }], dormant: [{ override: heavy }] });
    standing.take(first, losses);
    standing.remember([]);
    expect(told).toEqual([{ seen: [], lost: [seenKey(drained)] }]);
    expect([standing.isLost(drained), standing.isLost(heavy)]).toEqual([true, false]);

    const { standing: again } = sharing();
    again.open({ ...NOTHING_KEPT, seen: new Set(told[0].seen), lost: new Set(told[0].lost) });
    const second = weighed([], [drained, heavy]);
    expect(again.losses(second)).toMatchObject({ ended: [], lost: [], dormant: [{}, {}] });
    again.take(second, again.losses(second));
    expect(again.isLost(drained)).toBe(true);
    const third = weighed([drained], [heavy]);
    again.take(third, again.losses(third));
    expect([again.isLost(drained), again.whyNot(drained), again.whyNot(heavy)]).toEqual([
      false,
      undefined,
      "it is another",
    ]);
  });

  test("of one instance alone, or of this run, it ends in a cluster, too", () => {
    const { standing } = sharing();
    const here = { ...drained, scope: "instance" } as Override;
    const now = { ...heavy, kept: false } as Override;
    standing.open({ ...NOTHING_KEPT, seen: new Set([here, now].map(seenKey)) });
    expect(standing.losses(weighed([], [here, now]))).toMatchObject({ ended: [{}, {}], lost: [] });
  });
});
