/** What an operator may change of a server: `PATCH /api/v1/servers/<id>`. */
import { z } from "zod";
import { CAPACITY, describeRange, inRange, WEIGHT } from "../../../shared/ranges.ts";
import type { Withdrawal } from "../../fleet/withdrawal.ts";
import { ApiError } from "../responses.ts";

/** Most requests in flight; 0 = not enforced. */
const LIMIT = { ...CAPACITY, least: 0 };

/** A change as it is sent. */
export const changeSchema = z
  .strictObject({
    weight: z.custom<number>((value) => inRange(value, WEIGHT), `must be ${describeRange(WEIGHT)}`).optional(),
    capacity: z.custom<number>((value) => inRange(value, LIMIT), `must be ${describeRange(LIMIT)}`).optional(),
    state: z.enum(["drain", "active"]).optional(),
  })
  .refine((change) => Object.keys(change).length > 0, { error: "give weight, capacity or state" });

/** A change as it was asked for; at least one field is there. */
export type ServerChange = z.infer<typeof changeSchema>;

/** What a change is made to. */
export interface ChangeableFleet {
  /** Each returns false when there is no such server, or the value cannot be. */
  withdraw(id: number, withdrawal: Withdrawal): boolean;
  bringBack(id: number): boolean;
  setWeight(id: number, weight: number): boolean;
  setCapacity(id: number, hardLimit: number): boolean;
}

/** Makes the change; throws 404 when there is no such server. */
export function applyChange(fleet: ChangeableFleet, id: number, change: ServerChange, nowMs: number): void {
  const { weight, capacity, state } = change;
  const drained: Withdrawal = { kind: "drain", reason: "", sinceMs: nowMs, untilMs: null, by: "" };
  const known =
    (weight === undefined || fleet.setWeight(id, weight)) &&
    (capacity === undefined || fleet.setCapacity(id, capacity)) &&
    (state === undefined || (state === "drain" ? fleet.withdraw(id, drained) : fleet.bringBack(id)));
  if (!known) throw unknownServer(id);
}

/** The response for an id that no server has. */
export function unknownServer(id: number): ApiError {
  return new ApiError(404, "unknown_server", `there is no server with id ${id}`);
}
