/** One attempt: who could have been chosen, by which numbers, and who was. */
import type { ExplainedAttempt, ExplainedCandidate, ScoreScale } from "../../../../shared/explanation/explanation.ts";
import { digits, latency, percent, plural } from "../../model/format/numbers.ts";
import { Badge } from "../../widgets/text.tsx";

/** A card. */
export function AttemptCard({ attempt, number }: { readonly attempt: ExplainedAttempt; readonly number: number }) {
  const { candidates, candidate_count: all, ineligible, ineligible_count: out, scale } = attempt;
  return (
    <section class="card" aria-label={`Attempt ${number}`}>
      <header>
        <h2 class="clip">
          {number}. {attempt.kind} → {nameOf(attempt.url)}
        </h2>
        <span class="end">
          <Badge tone={attempt.failure === null ? "ok" : "bad"}>
            {attempt.failure ?? attempt.status ?? "no response"}
          </Badge>
        </span>
      </header>
      <div class="body stack">
        <p>
          {attempt.why} <span class="dim">{attempt.result}</span>
        </p>
        <p class="dim">
          {attempt.strategy}
          {attempt.held_ms > 0 &&
            ` · held for ${latency(attempt.held_ms)}${attempt.sent_anyway ? ", then sent anyway" : ""}`}
          {attempt.expected_cost !== null && (
            <>
              {" "}
              · {attempt.request_class === null ? "no class of its own" : <code>{attempt.request_class}</code>},
              expected to cost as much as {digits(attempt.expected_cost)} mean requests
            </>
          )}
          {attempt.arm !== null && ` · arm ${attempt.arm}`}
          {attempt.policy !== null && ` · ${attempt.policy}`}
          {attempt.propensity !== null && ` · chosen with ${percent(attempt.propensity)}`}
          {attempt.table !== null &&
            ` · model ${attempt.table.model_version}, table ${Math.round(attempt.table.age_ms)} ms old`}
        </p>
        {candidates.length > 0 && (
          <>
            <h3>
              {plural(all, "candidate")}
              {scale !== null && (
                <span class="dim">
                  {" "}
                  · <code>{scale.name}</code>
                  {scale.best !== "none" && `, the ${scale.best} is chosen`}
                </span>
              )}
            </h3>
            <ol class="bars">
              {sorted(candidates, scale).map((candidate) => (
                <Candidate key={candidate.server_id} of={candidate} highest={highestOf(candidates)} scale={scale} />
              ))}
            </ol>
            {all > candidates.length && <p class="dim">and {all - candidates.length} others that were not better</p>}
          </>
        )}
        {out > 0 && (
          <details>
            <summary>{plural(out, "server")} could not be asked</summary>
            <ul class="stack">
              {ineligible.map((server) => (
                <li key={server.server_id}>
                  {nameOf(server.url)} <Badge tone="idle">{server.state}</Badge> {server.why}
                </li>
              ))}
              {out > ineligible.length && <li class="dim">and {out - ineligible.length} others</li>}
            </ul>
          </details>
        )}
      </div>
    </section>
  );
}

function Candidate(props: {
  readonly of: ExplainedCandidate;
  readonly highest: number;
  readonly scale: ScoreScale | null;
}) {
  const { of, highest, scale } = props;
  const value = of.score ?? of.in_flight;
  return (
    <li class={`bar-row ${of.chosen ? "chosen" : ""}`}>
      <span class="clip">
        {nameOf(of.url)}
        {of.chosen && <span class="hidden"> (chosen)</span>}
      </span>
      <span class="track" aria-hidden="true">
        <i style={{ width: `${highest === 0 ? 0 : Math.max(1, (value / highest) * 100)}%` }} />
      </span>
      <span class="num">
        {of.score === null ? "not compared" : scale?.unit === "ms" ? latency(of.score) : digits(of.score)}
        <span class="dim">
          {" "}
          · {of.in_flight} in flight{of.full && ", full"}
        </span>
      </span>
    </li>
  );
}

function sorted(candidates: readonly ExplainedCandidate[], scale: ScoreScale | null): ExplainedCandidate[] {
  const sign = scale?.best === "lowest" ? 1 : -1;
  return [...candidates].sort((a, b) => {
    if (a.score === null || b.score === null) return Number(a.score === null) - Number(b.score === null);
    return sign * (a.score - b.score);
  });
}

function highestOf(candidates: readonly ExplainedCandidate[]): number {
  return candidates.reduce((most, { score, in_flight }) => Math.max(most, score ?? in_flight), 0);
}

function nameOf(url: string | null): string {
  return url?.replace(/^[a-z0-9]+:\/\//, "") ?? "a server that has left";
}
