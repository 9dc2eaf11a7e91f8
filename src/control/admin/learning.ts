/** The part of the admin API that orders models about: `/api/v1/ml/…`. */
import { z } from "zod";
import { LEARNER_ORDERS, type LearnerOrder, ORDERS_OF_A_VERSION } from "../../shared/protocol.ts";
import { ApiError } from "./responses.ts";
import { targetOf } from "./target.ts";

/** Orders as they stand in a path. */
export const ORDER_PATH = new RegExp(`^/api/v1/ml/(${LEARNER_ORDERS.join("|")})$`);

const MOST_SHOWN = 1000;
const SHOWN = 100;
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

/** A whole number of the query; throws 400 when it is none. `null` = it is not there. */
export function numberIn(request: Request, name: string): number | null {
  const text = new URLSearchParams(targetOf(request).query).get(name);
  if (text === null) return null;
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new ApiError(400, "invalid_query", `${name} must be a whole number above 0`);
}

/** How many are asked for; throws 400 like `numberIn`. */
export function limitIn(request: Request): number {
  return Math.min(numberIn(request, "limit") ?? SHOWN, MOST_SHOWN);
}
