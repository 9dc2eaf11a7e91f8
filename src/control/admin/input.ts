/** Reads what a request of the admin API brings, by the schemas of its operation. */

import type { z } from "zod";
import { shortened } from "../../shared/shortened.ts";
import { ApiError, type Problem } from "./responses.ts";
import { targetOf } from "./target.ts";

/** Of a name that was sent so much is repeated, … */
const MOST_NAME = 80;
/** … and of those that nobody knows so many. */
const MOST_UNKNOWN = 10;
const UTF_8 = new TextDecoder();

/** The parameters of the query; throws 400 with every problem. Without a schema there are none, and what is sent is ignored. */
export function readQuery(request: Request, schema: z.ZodType | undefined): unknown {
  if (schema === undefined) return undefined;
  const query = new URLSearchParams(targetOf(request).query);
  const twice = [...query.keys()].find((name) => query.getAll(name).length > 1);
  if (twice !== undefined)
    throw new ApiError(400, "invalid_query", `${shortened(twice, MOST_NAME)} is there more than once`);
  return checked(Object.fromEntries(query), schema, "invalid_query", "the query");
}

/** Longer bodies are refused: a configuration to be tried is the largest that anybody sends. */
const MAX_BODY_BYTES = 64 * 1024;
/**
 * Of what is refused so much is read all the same, so that its client gets the response however late it reads. Who announces more is
 * refused by the runtime (listener.ts), and may find the connection reset: to read on would take the time of health checks.
 */
export const MAX_DROPPED_BYTES = 16 * 1024 * 1024;

/** The body; throws 400 with every problem, 413 when it is too large. An empty one is `{}`. */
export async function readBody(request: Request, schema: z.ZodType | undefined): Promise<unknown> {
  if (schema === undefined) return undefined;
  const text = await bodyOf(request);
  let body: unknown;
  try {
    body = text.trim() === "" ? {} : JSON.parse(text);
  } catch {
    throw new ApiError(400, "invalid_json", "the body is not JSON");
  }
  return checked(body, schema, "invalid_body", "the body");
}

/** Of a larger one nothing is kept. */
async function bodyOf({ body }: Request): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body ?? []) {
    size += chunk.length;
    if (size > MAX_DROPPED_BYTES) break;
    if (size <= MAX_BODY_BYTES) chunks.push(chunk);
  }
  if (size > MAX_BODY_BYTES) {
    throw new ApiError(413, "body_too_large", `the body is too large: ${MAX_BODY_BYTES} bytes are the most`);
  }
  return UTF_8.decode(Buffer.concat(chunks));
}

/**
 * Reads what nobody has read of the body, and keeps nothing of it. A connection that is closed behind a response with something
 * unread is reset, and the client, which may still be sending, never sees the response: a refusal in words would be lost.
 * Never rejects: who goes away meanwhile wants no response.
 */
export async function dropBody({ body, bodyUsed }: Request): Promise<void> {
  if (body === null || bodyUsed) return;
  let size = 0;
  try {
    for await (const chunk of body) {
      size += chunk.length;
      if (size > MAX_DROPPED_BYTES) return;
    }
  } catch {
    // It broke off: so has the connection.
  }
}

/** What stands in the path, without its percent-encoding; throws 400. */
export function readParts(parts: readonly string[]): string[] {
  return parts.map((part) => {
    try {
      return decodeURIComponent(part);
    } catch {
      throw new ApiError(400, "invalid_path", `${shortened(part, MOST_NAME)} is not percent-encoded correctly`);
    }
  });
}

function checked(value: unknown, schema: z.ZodType, code: string, what: string): unknown {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.flatMap(problemsOf);
  const sentences = problems.map(({ at, message }) => (at === "" ? message : `${at}: ${message}`));
  throw new ApiError(400, code, `${what} is not right: ${sentences.join("; ")}`, {}, problems);
}

function problemsOf(issue: z.core.$ZodIssue): Problem[] {
  const at = (names: readonly PropertyKey[]): string =>
    names.map((name) => shortened(String(name), MOST_NAME)).join(".");
  if (issue.code !== "unrecognized_keys") return [{ at: at(issue.path), message: issue.message }];
  const { path, keys } = issue;
  const unknown = keys.slice(0, MOST_UNKNOWN).map((key) => ({ at: at([...path, key]), message: "is not known here" }));
  const left = keys.length - unknown.length;
  return left === 0 ? unknown : [...unknown, { at: at(path), message: `and ${left} more names are not known here` }];
}
