import { expect, test } from "bun:test";
import { Places, QUIET_MS } from "../../../../../src/control/admin/doors/places.ts";

function full(addresses: readonly string[]) {
  const clock = { nowMs: 0 };
  const places = new Places<string>(addresses.length, () => clock.nowMs);
  addresses.forEach((address, index) => {
    places.take(`held ${index}`, address);
    clock.nowMs++;
  });
  return { places, clock };
}

test("there are so many, and one that is left is free", () => {
  const { places } = full(["a", "a"]);
  expect(places.take("more", "a")).toEqual({ taken: false, instead: null });
  expect(places.has("more")).toBe(false);
  places.leave("held 1");
  expect(places.take("more", "a")).toEqual({ taken: true, instead: null });
  expect([...places.connections]).toEqual(["held 0", "more"]);
});

test("the address that has most of them gives way to one that has fewer, and not the other way round", () => {
  const { places } = full(["a", "b", "a", "a", "a"]);
  places.answered("held 0");
  expect(places.take("c 1", "c")).toEqual({ taken: true, instead: "held 2" });
  expect(places.take("a again", "a")).toEqual({ taken: false, instead: null });
  expect(places.take("c 2", "c").instead).toBe("held 3");
  expect(places.take("c 3", "c").taken).toBe(false);
  expect(places.has("held 1")).toBe(true);
});

test("of one address, or of many with a few each, who was answered nothing for long gives way", () => {
  const { places, clock } = full(["a", "b", "a"]);
  clock.nowMs = QUIET_MS - 1;
  expect(places.take("c", "c").instead).toBe("held 0");
  places.leave("c");
  places.take("held 0", "a");
  clock.nowMs += QUIET_MS;
  places.answered("held 1");
  expect(places.take("a again", "a").instead).toBe("held 2");
});

test("who is answered all the time stays", () => {
  const { places, clock } = full(["a", "b", "c"]);
  clock.nowMs = 10 * QUIET_MS;
  for (const index of [0, 1, 2]) places.answered(`held ${index}`);
  expect(places.take("d", "d")).toEqual({ taken: false, instead: null });
});
