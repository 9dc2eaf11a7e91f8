/** An explanation for people. */
import type {
  LearnedAttempt,
  LearnedCandidate,
  LearnedExplanation,
  NamedServer,
} from "../../shared/explanation/learned.ts";
import { visible } from "../../shared/visible-text.ts";
import { columns } from "../columns.ts";

const POLICIES: Readonly<Record<string, string>> = {
  model: "by the model's table",
  estimator: "by the estimator",
  weighted_round_robin: "by weighted round robin",
  probe: "to hear of a server that was silent for long",
};

/** All attempts of the request, each with its candidates, the best first. */
export function explanationText({ request_id, attempts }: LearnedExplanation): string {
  return [`Request ${visible(request_id)}`, ...attempts.map(attemptText)].join("\n\n");
}

function attemptText(attempt: LearnedAttempt, index: number): string {
  const { at, worker, arm, policy, propensity, table, outcome, candidates, candidate_count, ineligible } = attempt;
  const facts = [
    ["Attempt", `${index + 1}, at ${at}, by worker ${worker}`],
    ...(attempt.pool === undefined ? [] : [["Pool", attempt.pool]]),
    ["Server", nameOf(attempt)],
    ["Placed", `${POLICIES[policy] ?? policy}; arm ${arm}, which took this server with probability ${propensity}`],
    ["Table", table === null ? "none" : `${table.sequence} of model ${table.model_version}, ${ms(table.age_ms)} old`],
    ["Outcome", outcomeText(outcome)],
  ];
  const parts = [columns(facts), "", candidateTable(candidates)];
  if (candidates.length < candidate_count) parts.push(`(${candidates.length} of ${candidate_count} candidates)`);
  const features = featureTable(candidates);
  if (features !== "") parts.push("", features);
  if (ineligible.length > 0) {
    parts.push("", columns([["NOT ELIGIBLE", "STATE", "WHY"], ...ineligible.map((s) => [nameOf(s), s.state, s.why])]));
  }
  return parts.join("\n");
}

function candidateTable(candidates: readonly LearnedCandidate[]): string {
  const best = candidates.toSorted((a, b) => (a.score ?? 0) - (b.score ?? 0));
  const rows = best.map((candidate) => {
    const { chosen, in_flight, score, parts } = candidate;
    return [
      chosen ? ">" : " ",
      nameOf(candidate),
      String(in_flight),
      short(score),
      parts === null ? "-" : ms(parts.expected_ms),
      factor(parts?.network),
      parts === null ? "-" : short(parts.cost),
      factor(parts?.crowd),
      factor(parts?.stall_and_failures),
      parts === null || parts.weight === 1 ? "" : `÷ ${short(parts.weight)}`,
    ];
  });
  const head = ["", "CANDIDATE", "IN FLIGHT", "SCORE", "ESTIMATOR", "MODEL", "COST", "CROWD", "STALL", "WEIGHT"];
  return columns([head, ...rows]);
}

/** Features by line, candidates by column; those that nobody has are left out. */
function featureTable(candidates: readonly LearnedCandidate[]): string {
  const known = candidates.filter(({ features }) => features !== null);
  if (known.length === 0) return "";
  const names = Object.keys(known[0].features ?? {}).filter((name) =>
    known.some(({ features }) => features?.[name] !== null),
  );
  const rows = names.map((name) => [name, ...known.map(({ features }) => short(features?.[name] ?? null))]);
  return columns([["FEATURE", ...known.map(nameOf)], ...rows]);
}

function outcomeText(outcome: LearnedAttempt["outcome"]): string {
  if (outcome === null) return "none: it is under way, another attempt was faster, or the client gave up";
  return outcome.failed ? `failed after ${ms(outcome.latency_ms)}` : `answered after ${ms(outcome.latency_ms)}`;
}

function nameOf({ server_id, url }: NamedServer): string {
  return url ?? `server ${server_id} (gone)`;
}

function factor(value: number | null | undefined): string {
  return value === null || value === undefined ? "-" : `× ${short(value)}`;
}

function ms(value: number): string {
  return `${short(value)} ms`;
}

function short(value: number | null): string {
  if (value === null) return "-";
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(3)));
}
