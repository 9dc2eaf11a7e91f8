import { expect, test } from "bun:test";
import { addMemory, fileBytes, memoryOf, parseMappings } from "../../../bench/memory/mappings.ts";

const MAPPINGS = `00400000-00500000 r-xp 00000000 08:01 1                                  /usr/bin/program with a space
Rss:                 800 kB
Pss:                 100 kB
Anonymous:             0 kB
00500000-00600000 rw-p 00100000 08:01 1                                  /usr/bin/program with a space
Rss:                  48 kB
Pss:                  32 kB
Anonymous:            32 kB
00600000-00700000 rw-p 00000000 00:00 0                                  [heap]
Rss:                 500 kB
Pss:                 400 kB
Anonymous:           500 kB
7f0000000000-7f0000100000 rw-s 00000000 00:01 2                          /dev/shm/neurabalancer-1-abcdef/memory
Rss:                  20 kB
Pss:                  10 kB
Anonymous:             0 kB
`;

test("what is a process's own, and what files it has pages of", () => {
  const memory = parseMappings(MAPPINGS);
  expect(memory.own).toBe((32 + 400) * 1024);
  expect([fileBytes(memory, false), fileBytes(memory, true)]).toEqual([816 * 1024, 20 * 1024]);
});

test("files count once for several processes, their own memory does not", () => {
  const one = parseMappings(MAPPINGS);
  const both = addMemory(one, parseMappings(MAPPINGS.replaceAll("800 kB", "900 kB")));
  expect(both.own).toBe(2 * one.own);
  expect(fileBytes(both, false)).toBe(916 * 1024);
  expect(fileBytes(both, true)).toBe(20 * 1024);
});

test.if(process.platform === "linux")("a real process is read", () => {
  const memory = memoryOf(process.pid);
  expect(memory.own).toBeGreaterThan(1_000_000);
  expect(fileBytes(memory, false)).toBeGreaterThan(1_000_000);
});
