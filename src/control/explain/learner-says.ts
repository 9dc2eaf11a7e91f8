/** What the learner adds to an explanation: how `ml` placed attempts, by which table, from which features. */
import type { ExplainedAttempt, ExplainedCandidate } from "../../shared/explanation/explanation.ts";
import type { LearnedAttempt, LearnedExplanation } from "../../shared/explanation/learned.ts";
import { ApiError } from "../admin/responses.ts";

/** It, or why it says nothing. */
export class LearnerSays {
  static readonly NOTHING = new LearnerSays(null, null);
  readonly explanation: LearnedExplanation | null;
  readonly error: ApiError | null;

  constructor(explanation: LearnedExplanation | null, error: ApiError | null) {
    this.explanation = explanation;
    this.error = error;
  }

  /** Rejects with what is no refusal. */
  static async of(asked: Promise<LearnedExplanation>): Promise<LearnerSays> {
    try {
      return new LearnerSays(await asked, null);
    } catch (error) {
      if (error instanceof ApiError) return new LearnerSays(null, error);
      throw error;
    }
  }
}

/** The attempts with what was learned of them: each of the learner's is the next one at the same server. */
export function withLearned(
  attempts: readonly ExplainedAttempt[],
  learned: readonly LearnedAttempt[],
): readonly ExplainedAttempt[] {
  const left = [...learned];
  return attempts.map((attempt) => {
    const at = left.findIndex(({ server_id }) => server_id === attempt.server_id);
    if (at < 0) return attempt;
    const [known] = left.splice(at, 1);
    const { arm, policy, propensity, table, outcome, candidates } = known;
    return {
      ...attempt,
      arm,
      policy,
      propensity,
      table,
      outcome: outcome ?? attempt.outcome,
      candidates: attempt.candidates.map((candidate) => withParts(candidate, candidates)),
    };
  });
}

function withParts(candidate: ExplainedCandidate, learned: LearnedAttempt["candidates"]): ExplainedCandidate {
  const known = learned.find(({ server_id }) => server_id === candidate.server_id);
  return known === undefined ? candidate : { ...candidate, parts: known.parts, features: known.features };
}
