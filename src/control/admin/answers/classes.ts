/** `GET /api/v1/classes`. */
import { z } from "zod";
import type { Frozen } from "./describing.ts";

const requestClass = z
  .strictObject({
    pool: z.string(),
    route: z.string().nullable().describe("null = of any: it is the rest"),
    method: z.string().nullable(),
    template: z
      .string()
      .nullable()
      .describe("the path, with `{id}` for what names one thing of many and `*` for any last segment; null = the rest"),
    cost: z
      .number()
      .min(0)
      .describe("what one is expected to cost, in mean requests of the pool; 1 = not known, or not known to differ"),
    cost_error: z
      .number()
      .min(0)
      .nullable()
      .describe("standard error of what was measured, as a share of it; null = too little was"),
    least_cost: z.number().min(0).describe("at the server where it is cheapest"),
    greatest_cost: z.number().min(0).describe("at the server where it is dearest"),
    share: z.number().min(0).max(1).describe("of the pool's requests over the last minutes"),
    work_share: z.number().min(0).max(1).describe("of the pool's expected work over the last minutes"),
    mean_ms: z
      .number()
      .min(0)
      .nullable()
      .describe("mean time that servers took over the last minutes; null = there was none"),
    requests: z.number().min(0).describe("good responses that were learned from since it is a class"),
  })
  .meta({ id: "RequestClass" });

/** As it is shown. */
export const classList = z.strictObject({
  pools: z.array(z.string()).describe("those that tell classes of requests apart"),
  classes: z.array(requestClass).describe("by pool, the one that makes most work first"),
});

/** The same, as whoever makes it has it. */
export type ShownClasses = Frozen<z.infer<typeof classList>>;
/** One of them. */
export type ShownClass = Frozen<z.infer<typeof requestClass>>;
