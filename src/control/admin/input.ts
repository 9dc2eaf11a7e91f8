/** Reads what a request of the admin API brings, by the schemas of its operation. */
import type { z } from "zod";
import { ApiError, type Problem } from "./responses.ts";
import { targetOf } from "./target.ts";

/** The parameters of the query; throws 400 with every problem. Without a schema there are none, and what is sent is ignored. */
export function readQuery(request: Request, schema: z.ZodType | undefined): unknown {
  if (schema === undefined) return undefined;
  const query = new URLSearchParams(targetOf(request).query);
  const twice = [...query.keys()].find((name) => query.getAll(name).length > 1);
  if (twice !== undefined) throw new ApiError(400, "invalid_query", `${twice.slice(0, 80)} is there more than once`);
  return checked(Object.fromEntries(query), schema, "invalid_query", "the query");
}

/** The body; throws 400 with every problem. An empty one is `{}`. */
export async function readBody(request: Request, schema: z.ZodType | undefined): Promise<unknown> {
  if (schema === undefined) return undefined;
  const text = await request.text();
  let body: unknown;
  try {
    body = text.trim() === "" ? {} : JSON.parse(text);
  } catch {
    throw new ApiError(400, "invalid_json", "the body is not JSON");
  }
  return checked(body, schema, "invalid_body", "the body");
}

/** What stands in the path, without its percent-encoding; throws 400. */
export function readParts(parts: readonly string[]): string[] {
  return parts.map((part) => {
    try {
      return decodeURIComponent(part);
    } catch {
      throw new ApiError(400, "invalid_path", `${part.slice(0, 80)} is not percent-encoded correctly`);
    }
  });
}

function checked(value: unknown, schema: z.ZodType, code: string, what: string): unknown {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems: Problem[] = parsed.error.issues.map(({ path, message }) => ({
    at: path.map(String).join("."),
    message,
  }));
  const sentences = problems.map(({ at, message }) => (at === "" ? message : `${at}: ${message}`));
  throw new ApiError(400, code, `${what} is not right: ${sentences.join("; ")}`, {}, problems);
}
