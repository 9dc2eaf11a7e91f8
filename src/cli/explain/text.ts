/** An explanation for people. */
import type { ExplainedAttempt, ExplainedCandidate, Explanation } from "../../shared/explanation/explanation.ts";
import type { NamedServer } from "../../shared/explanation/learned.ts";
import { visible } from "../../shared/visible-text.ts";
import { columns } from "../columns.ts";

/** What became of the request, and all of its attempts, each with its candidates, the best first. */
export function explanationText(explanation: Explanation): string {
  const { request_id, attempts, attempt_count, same_id, learner } = explanation;
  const parts = [
    `Request ${visible(request_id)}`,
    columns(factsOf(explanation)),
    visible(explanation.summary),
    ...attempts.map(attemptText),
  ];
  if (attempts.length < attempt_count) parts.push(`(${attempts.length} of ${attempt_count} attempts)`);
  if (learner !== null) parts.push(`Of the learner nothing is in it: ${visible(learner)}`);
  if (same_id.length > 0) {
    const others = same_id.map(({ began_at, path }) => `${visible(began_at)} ${visible(path)}`);
    parts.push(`Others came under the same id: ${others.join(", ")}`);
  }
  return parts.join("\n\n");
}

function factsOf(explanation: Explanation): string[][] {
  const { method, path, client, route, pool, status, failure, proxy_status, duration_ms, waited_ms } = explanation;
  const facts = [
    ["Began", `${explanation.began_at}, at worker ${explanation.worker}; kept as ${explanation.kept_as}`],
    ["Asked", `${method} ${path}${client === null ? "" : `, by ${client}`}`],
    ["Route", `${route ?? "none"}${pool === null ? "" : `, pool ${pool}`}`],
    ["Status", `${status}${failure === null ? "" : `, ${failure}`}`],
    ["Took", `${ms(duration_ms)}${waited_ms > 0 ? `, of these ${ms(waited_ms)} in the queue` : ""}`],
  ];
  if (proxy_status !== null) facts.push(["Proxy-Status", proxy_status]);
  return facts;
}

function attemptText(attempt: ExplainedAttempt, index: number): string {
  const { at, worker, kind, strategy, why, result, candidates, candidate_count, ineligible, ineligible_count } =
    attempt;
  const facts = [
    ["Attempt", `${index + 1} (${kind}), at ${at}, by worker ${worker}`],
    ...(attempt.pool === null ? [] : [["Pool", attempt.pool]]),
    ["Server", nameOf(attempt)],
    ...(attempt.held_ms === 0 ? [] : [["Held", heldText(attempt)]]),
    ...(attempt.expected_cost === null ? [] : [["Class", classText(attempt)]]),
    ["Placed", `by ${strategy}: ${why}`],
    ...learnedOf(attempt),
    ["Outcome", `${result}${timesOf(attempt)}`],
  ];
  const parts = [columns(facts), "", candidateTable(attempt)];
  if (candidates.length < candidate_count) parts.push(`(${candidates.length} of ${candidate_count} candidates)`);
  const features = featureTable(candidates);
  if (features !== "") parts.push("", features);
  if (ineligible.length > 0) {
    parts.push("", columns([["NOT ELIGIBLE", "STATE", "WHY"], ...ineligible.map((s) => [nameOf(s), s.state, s.why])]));
  }
  if (ineligible.length < ineligible_count) {
    const counts = Object.entries(attempt.ineligible_by_state).map(([state, count]) => `${count} ${visible(state)}`);
    parts.push(`(${ineligible.length} of ${ineligible_count}: ${counts.join(", ")})`);
  }
  return parts.join("\n");
}

function heldText({ held_ms, sent_anyway }: ExplainedAttempt): string {
  return `for ${ms(held_ms)}: all servers were at their limits${sent_anyway ? "; then sent anyway" : ""}`;
}

function classText({ expected_cost, request_class }: ExplainedAttempt): string {
  return `${request_class ?? "none of its own"}: expected to cost as much as ${short(expected_cost)} mean requests`;
}

/** Of `ml`, as the learner remembers it. */
function learnedOf({ arm, policy, propensity, table }: ExplainedAttempt): string[][] {
  if (arm === null) return [];
  return [
    ["Policy", `${policy}; arm ${arm}, which took this server with probability ${propensity}`],
    ["Table", table === null ? "none" : `${table.sequence} of model ${table.model_version}, ${ms(table.age_ms)} old`],
  ];
}

function timesOf({ connect_ms, head_ms, total_ms }: ExplainedAttempt): string {
  const times = [
    connect_ms === null ? [] : [connect_ms === 0 ? "on a kept connection" : `connected in ${ms(connect_ms)}`],
    head_ms === null || total_ms === null ? [] : [`over after ${ms(total_ms)}`],
  ].flat();
  return times.length === 0 ? "" : ` (${times.join(", ")})`;
}

function candidateTable({ candidates, scale }: ExplainedAttempt): string {
  const sign = scale?.best === "highest" || scale?.best === "none" ? -1 : 1;
  const worth = ({ score }: ExplainedCandidate): number => (score === null ? Number.POSITIVE_INFINITY : sign * score);
  const best = candidates.toSorted((a, b) => (worth(a) < worth(b) ? -1 : worth(a) > worth(b) ? 1 : 0));
  const learned = candidates.some(({ parts }) => parts !== null);
  const head = ["", "CANDIDATE", "IN FLIGHT", "WEIGHT", "SCORE"];
  const rows = best.map((candidate) => {
    const { chosen, in_flight, weight, score, full } = candidate;
    const shown = [chosen ? ">" : " ", nameOf(candidate), String(in_flight), short(weight)];
    return [...shown, `${short(score)}${full ? " (has its share)" : ""}`, ...(learned ? partsOf(candidate) : [])];
  });
  const table = columns([learned ? [...head, "ESTIMATOR", "MODEL", "COST", "CROWD", "STALL"] : head, ...rows]);
  if (scale === null) return table;
  const unit = scale.unit === "" ? "" : `, ${visible(scale.unit)}`;
  const which = scale.best === "none" ? "" : `; the ${scale.best} is chosen`;
  return `${table}\nSCORE: ${visible(scale.name)}${unit}${which}`;
}

function partsOf({ parts }: ExplainedCandidate): string[] {
  if (parts === null) return ["-", "-", "-", "-", "-"];
  const { expected_ms, network, cost, crowd, stall_and_failures } = parts;
  return [ms(expected_ms), factor(network), short(cost), factor(crowd), factor(stall_and_failures)];
}

/** Features by line, candidates by column; those that nobody has are left out. */
function featureTable(candidates: readonly ExplainedCandidate[]): string {
  const known = candidates.filter(({ features }) => features !== null);
  if (known.length === 0) return "";
  const names = Object.keys(known[0].features ?? {}).filter((name) =>
    known.some(({ features }) => features?.[name] !== null),
  );
  const rows = names.map((name) => [name, ...known.map(({ features }) => short(features?.[name] ?? null))]);
  return columns([["FEATURE", ...known.map(nameOf)], ...rows]);
}

function nameOf({ server_id, url }: NamedServer): string {
  return url ?? `server ${server_id} (gone)`;
}

function factor(value: number | null): string {
  return value === null ? "-" : `× ${short(value)}`;
}

function ms(value: number): string {
  return `${short(value)} ms`;
}

function short(value: number | null): string {
  if (value === null) return "-";
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(3)));
}
