/** The long form of the fuzz test: `bun test/fuzz/run.ts --seconds 60 [--seed N]`. Exits with 1 when it finds something. */
import { parseArgs } from "node:util";
import { runCampaign } from "./campaign.ts";
import { LlhttpPeer } from "./llhttp.ts";

const { values } = parseArgs({
  options: { seconds: { type: "string", default: "60" }, seed: { type: "string", default: "1" } },
});
const seconds = Number(values.seconds);
const deadline = performance.now() + seconds * 1000;
const peer = new LlhttpPeer();
const report = await runCampaign(
  Number(values.seed),
  peer,
  ({ findings }) => performance.now() < deadline && findings.length < 20,
);
await peer.close();
for (const { what, input, responseTo } of report.findings) {
  console.log(`${what}\n  ${responseTo === null ? "request" : `response to ${responseTo}`} ${JSON.stringify(input)}`);
}
console.log(
  `${report.executions} executions, ${report.accepted} accepted, ${report.compared} compared, ${report.findings.length} findings`,
);
process.exit(report.findings.length === 0 ? 0 : 1);
