import { expect, test } from "bun:test";
import { follow, Phase } from "../../../../src/proxy/exchange/phase.ts";

const MAY: Readonly<Record<keyof typeof Phase, readonly (keyof typeof Phase)[]>> = {
  IDLE: ["DISPATCH"],
  DISPATCH: ["AUTHORISING", "QUEUED", "ATTEMPTING", "IDLE"],
  AUTHORISING: ["QUEUED", "ATTEMPTING", "RESPONDING", "IDLE"],
  QUEUED: ["ATTEMPTING", "IDLE"],
  ATTEMPTING: ["ATTEMPTING", "QUEUED", "RESPONDING", "TUNNEL", "IDLE"],
  RESPONDING: ["IDLE"],
  TUNNEL: ["IDLE"],
};

const names = Object.keys(Phase) as (keyof typeof Phase)[];

test.each(names.flatMap((from) => names.map((to) => [from, to] as const)))("from %s to %s", (from, to) => {
  const go = () => follow(Phase[from], Phase[to]);
  if (MAY[from].includes(to)) expect(go()).toBe(Phase[to]);
  else expect(go).toThrow("an exchange cannot go");
});
