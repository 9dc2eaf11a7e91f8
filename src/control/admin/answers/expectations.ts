/** `GET /api/v1/expectations`. */
import { z } from "zod";
import type { Estimate, Expectations, MeasuredTraffic, StrategyExpectation } from "../../../shared/expectations.ts";
import { describing } from "./describing.ts";

const estimate = describing<Estimate>()(
  z
    .strictObject({ value: z.number(), low: z.number(), high: z.number() })
    .meta({ id: "Estimate" })
    .describe("a figure, and where 95 % of other draws of the same traffic lie"),
);
const time = estimate.nullable().describe("milliseconds; null = it would overload servers, and no time says anything");

const measuredTraffic = describing<MeasuredTraffic>()(
  z.strictObject({ mean_ms: z.number(), p50_ms: z.number(), p99_ms: z.number(), error_share: z.number() }),
);

const strategyExpectation = describing<StrategyExpectation>()(
  z
    .strictObject({
      strategy: z.string(),
      ran: z.boolean().describe("it is the one that balanced in the window"),
      mean_ms: time,
      p50_ms: time,
      p99_ms: time,
      error_share: estimate,
      overloaded: z.array(z.string()).describe("servers that would get more than they can do, the first sixteen"),
    })
    .meta({ id: "StrategyExpectation" }),
);

/** What the simulator expects of strategies. */
export const expectations = describing<Expectations>()(
  z.strictObject({
    pool: z.string(),
    verdict: z.enum(["passed", "failed", "impossible", "nothing"]).describe("whether figures are given"),
    sentence: z.string(),
    reasons: z.array(z.string()).describe("why there are no figures"),
    notes: z.array(z.string()).describe("what limits them"),
    window: z
      .strictObject({ since: z.string(), until: z.string() })
      .nullable()
      .describe("of the traffic that was replayed; null = none was"),
    ran: z.string().nullable().describe("what balanced in it; null = not known"),
    requests: z.int().min(0),
    single_requests: z.int().min(0).describe("of which more than counts are known"),
    measured: measuredTraffic.nullable().describe("what really happened; a failed request counts as a second at least"),
    expectations: z.array(strategyExpectation),
    left_out: z.array(z.strictObject({ strategy: z.string(), why: z.string() })),
  }),
);
