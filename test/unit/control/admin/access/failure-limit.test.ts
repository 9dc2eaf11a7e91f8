import { expect, test } from "bun:test";
import { FailureLimit, MAX_ADDRESSES } from "../../../../../src/control/admin/access/failure-limit.ts";

function limit() {
  const clock = { ms: 0 };
  const failures = new FailureLimit(() => clock.ms);
  const within = (client: string, tries: number) =>
    Array.from({ length: tries }, () => failures.count(client)).filter((waitMs) => waitMs === 0).length;
  return { clock, failures, within };
}

test("an address has ten failures, and one more every six seconds", () => {
  const { clock, failures, within } = limit();
  expect(within("10.0.0.1", 50)).toBe(10);
  expect(failures.count("10.0.0.1")).toBe(6_000);
  expect(within("10.0.0.2", 1)).toBe(1);
  clock.ms += 12_000;
  expect(within("10.0.0.1", 50)).toBe(2);
  clock.ms += 3_600_000;
  expect(within("10.0.0.1", 50)).toBe(10);
});

test("of IPv6 a /64 is one, and IPv4 is itself however it is written", () => {
  const { within } = limit();
  expect(within("2001:db8::1", 6) + within("2001:db8::2", 6)).toBe(10);
  expect(within("2001:db8:0:1::1", 1)).toBe(1);
  expect(within("10.0.0.1", 6) + within("::ffff:10.0.0.1", 6)).toBe(10);
});

test("all addresses together have a hundred, and ten a second", () => {
  const { clock, within } = limit();
  let answered = 0;
  const tryFrom = (first: number) => {
    answered = 0;
    for (let i = 0; i < 500; i++) answered += within(`10.1.${first + (i >> 8)}.${i & 255}`, 1);
  };
  tryFrom(0);
  expect(answered).toBe(100);
  clock.ms += 1_000;
  tryFrom(2);
  expect(answered).toBe(10);
});

test("however many addresses try, only so many are remembered", () => {
  const { failures } = limit();
  for (let i = 0; i < 3 * MAX_ADDRESSES; i++) failures.count(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`);
  expect(failures.size).toBe(MAX_ADDRESSES);
});
