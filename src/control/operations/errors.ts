/** Why a change was not made. None of them knows of HTTP: what they are answered with is said where they are answered. */

/** It cannot be: `problems` has one sentence for each thing that speaks against it. Nothing has changed. */
export class RefusedChangeError extends Error {
  override readonly name = "RefusedChangeError";
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join("; "));
    this.problems = problems;
  }
}

/** It could not be made to last, so nothing has changed. */
export class NotKeptError extends Error {
  override readonly name = "NotKeptError";
}
