/** The cluster as this instance knows it, for the admin API. */
import { version } from "../../../../package.json";
import type { ClusterMember } from "../../../cluster/exchange/round.ts";
import type { ShownCluster, ShownMember, ShownTraining } from "../../admin/answers/cluster.ts";
import type { Cluster } from "../../cluster/cluster.ts";
import { type MemberFigure, ownFigures } from "../../cluster/own-figures.ts";
import { instanceNameOf } from "../instance/cluster-options.ts";
import type { SupervisorView } from "../status.ts";

/** As it is now. @param training who trains, as the learner says it; `null` = it does not answer. */
export function describeCluster(view: SupervisorView, training: readonly ShownTraining[] | null): ShownCluster {
  const { cluster, fleets } = view;
  const { away, ageMs, configured } = cluster;
  const members = cluster.members.length === 0 ? [alone(view)] : cluster.members.map(memberOf);
  const isHeard = configured && away === null && cluster.members.length > 0;
  return {
    cluster: cluster.cluster,
    id: cluster.id,
    redis: { state: configured ? (away === null ? "up" : "away") : "off", reason: away },
    shares: cluster.shares,
    instances: members.length,
    numbers_age_ms: isHeard ? Math.max(0, Math.round(ageMs)) : null,
    rounds: configured ? roundsOf(cluster) : null,
    majority_ejections: fleets.counters().majorityEjections,
    training,
    members: members.toSorted((a, b) => a.name.localeCompare(b.name, "en") || a.id.localeCompare(b.id, "en")),
  };
}

function roundsOf({ figures, bytes }: Pick<Cluster, "figures" | "bytes">): ShownCluster["rounds"] {
  return {
    ok: figures.rounds,
    failed: figures.failures,
    last_ms: figures.rounds === 0 ? null : Math.max(0, figures.lastMs),
    sent_bytes: bytes.sent,
    received_bytes: bytes.received,
    refused_shares: figures.refused,
  };
}

function memberOf({ id, self, ageMs, description }: ClusterMember): ShownMember {
  const { name, version: its, sinceMs, figures } = description;
  return { id, name, self, version: its, since: iso(sinceMs), age_ms: Math.round(ageMs), ...shownFigures(figures) };
}

/** This instance while it knows of nobody. */
function alone({ cluster, configuration, fleets, startedAtMs }: SupervisorView): ShownMember {
  return {
    id: cluster.id,
    name: instanceNameOf(configuration.config),
    self: true,
    version,
    since: iso(startedAtMs),
    age_ms: 0,
    ...shownFigures(ownFigures(fleets.present())),
  };
}

/** What is no count was not said: it comes from others. */
function shownFigures(figures: Readonly<Record<string, number>>): Record<MemberFigure, number | null> {
  const count = (name: MemberFigure): number | null => {
    const value = figures[name];
    return Number.isSafeInteger(value) && value >= 0 ? value : null;
  };
  const rate = figures.requests_per_second;
  return {
    servers: count("servers"),
    down: count("down"),
    ejected: count("ejected"),
    in_flight: count("in_flight"),
    requests_per_second: Number.isFinite(rate) && rate >= 0 ? rate : null,
  };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
