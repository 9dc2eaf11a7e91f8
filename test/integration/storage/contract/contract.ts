/**
 * What every store does, whatever its backend: a buffered store over a backend of each kind that there is, and what others
 * see who visit it. Nothing here is about files.
 */
import { describe } from "bun:test";
import { failureContract } from "./failures.ts";
import { durableHistoryContract } from "./history/durable.ts";
import { historyFailureContract } from "./history/failures.ts";
import { HistoryUnderTest } from "./history/history-under-test.ts";
import { metricContract } from "./history/metrics.ts";
import { otherRowsContract } from "./history/other-rows.ts";
import { serverContract } from "./history/servers.ts";
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
  describe(`${kind.name}: what happened`, () => {
    const under = new HistoryUnderTest(kind);
    metricContract(under);
    otherRowsContract(under);
    serverContract(under);
    historyFailureContract(under);
    if (kind.durable) durableHistoryContract(under);
  });
}
