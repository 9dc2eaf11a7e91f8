import { expect, test } from "bun:test";
import { placeByName, type RingPlace } from "../../../../src/balancing/subset.ts";
import type { ClusterMember, ClusterRound } from "../../../../src/cluster/exchange/round.ts";
import { Places } from "../../../../src/control/cluster/places.ts";

const member = (name: string, self = false): ClusterMember => ({
  id: `${name}-id`,
  self,
  ageMs: 0,
  description: { name, version: "0.1.0", sinceMs: 0, figures: {} },
});

function placed() {
  const taken: RingPlace[] = [];
  const places = new Places({ takePlace: (place) => taken.push(place) });
  const hear = (members: readonly ClusterMember[], rounds = 1) => {
    for (let i = 0; i < rounds; i++) places.heard({ members } as ClusterRound);
  };
  return { taken, places, hear };
}

const three = [member("c"), member("b", true), member("a")];

test("the first round says where it stands, whatever the order of members", () => {
  const { taken, hear } = placed();
  hear(three);
  expect(taken).toEqual([{ rank: 1, of: 3 }]);
});

test("one that is away for a moment moves nobody; one that stays away does", () => {
  const { taken, hear, places } = placed();
  hear(three, 150);
  hear(three.slice(0, 2), 50);
  hear([...three], 300);
  places.lost();
  expect(taken.at(-1)).toEqual({ rank: 1, of: 3 });
  hear(three.slice(0, 2), 150);
  expect(taken.at(-1)).toEqual({ rank: 0, of: 2 });
});

test("members that say something else of themselves are still the same ones", () => {
  const { taken, hear } = placed();
  hear(three, 50);
  hear([...three], 1000);
  expect(new Set(taken.map(({ rank, of }) => `${rank}/${of}`))).toEqual(new Set(["1/3"]));
});

test("who is not among them has no rank", () => {
  const { taken, hear } = placed();
  hear([member("a")]);
  expect(taken).toEqual([]);
  expect(placeByName("a").of).toBe(2 ** 32);
});
