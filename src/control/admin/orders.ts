/** What an operator may order of the learner: the body of `POST /api/v1/ml/<order>`. */
import { z } from "zod";
import { type LearnerOrder, ORDERS_OF_A_VERSION } from "../../protocol/learner.ts";
import { ApiError } from "./responses.ts";

const orderSchema = z.strictObject({ version: z.int().positive().optional() });

/** Reads the body of an order; throws 400 when it is not right for it. Without a version the body may be empty. */
export async function readOrder(request: Request, order: LearnerOrder): Promise<number | null> {
  const text = await request.text();
  let body: unknown;
  try {
    body = text.trim() === "" ? {} : JSON.parse(text);
  } catch {
    throw new ApiError(400, "invalid_json", "the body is not JSON");
  }
  const parsed = orderSchema.safeParse(body);
  const wantsVersion = ORDERS_OF_A_VERSION.includes(order);
  const right = wantsVersion ? 'give the version of a model: {"version": 7}' : "it takes no version: send {}";
  if (!parsed.success || (parsed.data.version !== undefined) !== wantsVersion) {
    throw new ApiError(400, "invalid_order", `${order}: ${right}`);
  }
  return parsed.data.version ?? null;
}
