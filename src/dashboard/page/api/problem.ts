/** Refusals of the API (RFC 9457) as sentences. */

/** What was refused, and why. Status 0 = nothing answered. */
export class ApiProblem extends Error {
  override readonly name = "ApiProblem";
  readonly status: number;
  readonly code: string;
  /** One by one, where several things are wrong. */
  readonly problems: readonly { readonly at: string; readonly message: string }[];

  constructor(status: number, code: string, message: string, problems: ApiProblem["problems"] = []) {
    super(message);
    this.status = status;
    this.code = code;
    this.problems = problems;
  }
}

/** The problem in a response's body, whatever the body is. */
export function problemOf(status: number, text: string): ApiProblem {
  const body = parsed(text);
  const old = typeof body.error === "object" && body.error !== null ? (body.error as Record<string, unknown>) : {};
  const detail = [body.detail, old.message, body.title].find((value) => typeof value === "string" && value !== "");
  const code = [body.code, old.code].find((value) => typeof value === "string") ?? "";
  const list = Array.isArray(body.errors) ? body.errors : [];
  const problems = list
    .filter((one) => typeof one?.message === "string")
    .map((one) => ({ at: String(one.at ?? ""), message: String(one.message) }));
  return new ApiProblem(status, String(code), String(detail ?? `the answer was ${status}`), problems);
}

/** What people read: the sentence, then each thing that is wrong. */
export function sentenceOf(error: unknown): string {
  if (!(error instanceof ApiProblem)) return error instanceof Error ? error.message : String(error);
  const lead = LEADS[error.status];
  const each = error.problems.map(({ at, message }) => (at === "" ? message : `${at} ${message}`));
  const rest = each.filter((text) => !error.message.includes(text));
  return [lead === undefined ? error.message : `${lead}: ${error.message}`, ...rest].join("; ");
}

const LEADS: Readonly<Record<number, string>> = {
  0: "The instance cannot be reached",
  403: "This is not allowed",
  412: "Somebody else has changed it meanwhile",
  429: "Too many tries",
};

function parsed(text: string): Record<string, unknown> {
  try {
    const value = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {};
  }
}
