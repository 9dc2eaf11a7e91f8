/**
 * What every store does, whatever its backend: a buffered store over a backend of each kind that there is, and what others
 * see who visit it. Nothing here is about files.
 */
import { describe } from "bun:test";
import { failureContract } from "./failures.ts";
import { modelContract } from "./models.ts";
import { durableContract } from "./others.ts";
import { poolContract } from "./pools.ts";
import { sampleContract } from "./samples.ts";
import { type PlaceKind, UnderTest } from "./under-test.ts";

/** Defines the tests of one kind. */
export function storeContract(kind: PlaceKind): void {
  describe(kind.name, () => {
    const under = new UnderTest(kind);
    sampleContract(under);
    modelContract(under);
    poolContract(under);
    failureContract(under);
    if (kind.durable) durableContract(under);
  });
}
