/** What an operator may order of the learner: the body of `POST /api/v1/ml/<order>`. */
import { z } from "zod";
import { type LearnerOrder, ORDERS_OF_A_VERSION } from "../../protocol/learner.ts";
import { changeBody } from "./changes/terms.ts";
import { ApiError } from "./responses.ts";

/** The body; without a version it may be empty. */
export const orderSchema = changeBody({ version: z.int().positive().optional() });

/** The version that an order is about; throws 400 when it has none that it needs, or one that it does not take. */
export function checkOrder(
  { version }: Pick<z.infer<typeof orderSchema>, "version">,
  order: LearnerOrder,
): number | null {
  const wantsVersion = ORDERS_OF_A_VERSION.includes(order);
  if ((version !== undefined) === wantsVersion) return version ?? null;
  const right = wantsVersion ? 'give the version of a model: {"version": 7}' : "it takes no version: send {}";
  throw new ApiError(400, "invalid_order", `${order}: ${right}`);
}
