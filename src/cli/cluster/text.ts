/** How `neurabalancer cluster` speaks to people. */
import type { ShownCluster, ShownMember } from "../../control/admin/answers/cluster.ts";
import { visible } from "../../shared/visible-text.ts";
import { columns } from "../columns.ts";

const UNKNOWN = "-";

/** Who is there, and how it goes. */
export function clusterText(cluster: ShownCluster): string {
  const head = ["INSTANCE", "ID", "VERSION", "SINCE", "HEARD", "SERVERS", "DOWN", "EJECTED", "IN FLIGHT", "REQUESTS/S"];
  const parts = [headline(cluster), columns([head, ...cluster.members.map(rowOf)])];
  if (cluster.redis.state !== "off") parts.push(columns(factsOf(cluster)));
  return parts.join("\n\n");
}

function headline({ cluster, redis, instances }: ShownCluster): string {
  switch (redis.state) {
    case "off":
      return "This instance is whole by itself: no Redis is configured (REDIS_ADDR), so nothing is shared.";
    case "away":
      return `Cluster ${cluster}: Redis is away, and this instance goes on alone: ${visible(redis.reason ?? "")}`;
    default:
      return `Cluster ${cluster}: ${instances} ${instances === 1 ? "instance" : "instances"}`;
  }
}

function rowOf(member: ShownMember): string[] {
  const { name, self, id, version, since, age_ms: ageMs } = member;
  const figures = [member.servers, member.down, member.ejected, member.in_flight, member.requests_per_second];
  return [
    self ? `${name} (asked)` : name,
    id,
    version,
    since,
    self ? "now" : `${seconds(ageMs)} ago`,
    ...figures.map((figure) => (figure === null ? UNKNOWN : String(figure))),
  ];
}

function factsOf({
  shares,
  rounds,
  numbers_age_ms: ageMs,
  majority_ejections: ejections,
  training,
}: ShownCluster): string[][] {
  return [
    ["Shared", shares.join(", ") || "nothing but who is there (CLUSTER_SHARE=none)"],
    ["Numbers of the others", ageMs === null ? "none are heard" : `${seconds(ageMs)} old`],
    ...(rounds === null ? [] : roundsOf(rounds)),
    ["Taken out by majority", `${ejections} times`],
    ...trainingOf(training),
  ];
}

function roundsOf(rounds: NonNullable<ShownCluster["rounds"]>): string[][] {
  const { ok, failed, last_ms: lastMs, sent_bytes: sent, received_bytes: received, refused_shares: refused } = rounds;
  const last = lastMs === null ? "" : `; the last one took ${lastMs.toFixed(1)} ms`;
  const perRound = (bytes: number): string => `${Math.round(bytes / Math.max(1, ok + failed))} bytes`;
  return [
    ["Rounds with Redis", `${ok} went well, ${failed} failed${last}`],
    ["A round", `sends ${perRound(sent)} and gets ${perRound(received)}`],
    ...(refused === 0 ? [] : [["Not believed", `${refused} shares of others: no instance of ours writes such`]]),
  ];
}

/** Who trains, for each pool whose model is shared. */
function trainingOf(training: ShownCluster["training"]): string[][] {
  if (training === null) return [["Who trains", "the learner does not answer at the moment"]];
  return training.map(({ pool, leading, leader, problem }) => {
    const who =
      leader === null ? "nobody at present" : `${leader.name} since ${leader.since}${leading ? " (asked)" : ""}`;
    return [`Who trains for ${pool}`, problem === null ? who : `${who}; ${problem}`];
  });
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
