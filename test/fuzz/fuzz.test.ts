import { expect, test } from "bun:test";
import { type Finding, loadCorpus, runCampaign } from "./campaign.ts";
import { difference } from "./compare.ts";
import { LlhttpPeer } from "./llhttp.ts";
import { readRequests } from "./read-stream.ts";

const NONE: Finding[] = [];

test("20,000 damaged messages break no invariant of the parsers", async () => {
  const report = await runCampaign(20_261_102, null, ({ executions }) => executions < 20_000);
  expect(report.findings).toEqual(NONE);
  // Were nearly everything refused, or accepted, the campaign would test little.
  expect(report.accepted).toBeGreaterThan(report.executions / 10);
  expect(report.accepted).toBeLessThan((report.executions * 9) / 10);
});

test("what we accept, llhttp accepts as the same messages", async () => {
  const peer = new LlhttpPeer();
  try {
    const report = await runCampaign(7, peer, ({ executions }) => executions < 4000);
    expect(report.findings).toEqual(NONE);
    expect(report.compared).toBeGreaterThan(400);
  } finally {
    await peer.close();
  }
});

test("the comparison sees a difference", async () => {
  const peer = new LlhttpPeer();
  try {
    const [first, second] = loadCorpus().filter(({ responseTo }) => responseTo === null);
    const [theirs] = await peer.read([first]);
    expect(difference(readRequests(first.bytes), theirs)).toBeNull();
    expect(difference(readRequests(second.bytes), theirs)).not.toBeNull();
    expect(difference({ messages: [], verdict: "end" }, theirs)).not.toBeNull();
  } finally {
    await peer.close();
  }
});
