/** `GET /api/v1/limits…`. */
import { z } from "zod";
import { RATE_LIMIT_MODES, WHEN_FULL } from "../../../protocol/rate-limit.ts";
import { WHEN_AWAY } from "../../../shared/memory/rate-limits/sharing/terms.ts";
import type { Frozen } from "./describing.ts";

const count = z.int().min(0);
const mode = z.enum(RATE_LIMIT_MODES);

/** What can be changed of a limit. */
const termsShape = {
  mode,
  rate: z.string().nullable().describe("requests in a period, `100/s`; null = requests at once are limited"),
  burst: count.nullable().describe("how many may come at once"),
  concurrent: count.nullable().describe("requests at once; null = requests in a period are limited"),
};

const refusedKey = z
  .strictObject({
    key: z.string().describe("of an API key or a cookie the beginning of its SHA-256"),
    refused: count.describe("about so often, since the start"),
    last_at: z.string().describe("when last, RFC 3339"),
  })
  .meta({ id: "RefusedKey" });

const sharedTerms = z.strictObject({
  when_away: z.enum(WHEN_AWAY).describe("what it does while Redis is away"),
  advance: count.describe("percent of the burst that may pass before Redis has been asked"),
  instances: count.describe("that count together, this one included; while Redis is away, as many as there were last"),
  away: z.string().nullable().describe("why Redis is away now; null = it is not"),
});

/** One limit. */
export const rateLimitView = z.strictObject({
  name: z.string(),
  ...termsShape,
  configured: z.strictObject(termsShape).describe("what the configuration says of these"),
  key: z.array(z.string()).describe("what is counted by itself; empty = all requests together"),
  routes: z.array(z.string()).describe("empty = all"),
  pools: z.array(z.string()).describe("empty = all"),
  clients: z.array(z.string()).describe("empty = everybody"),
  exempt: z.array(z.string()),
  max_keys: count,
  when_full: z.enum(WHEN_FULL),
  shared: sharedTerms.nullable().describe("all instances with the same Redis count together; null = each by itself"),
  keys: count.describe("that are counted now; of many an estimate"),
  allowed: count,
  refused: count,
  would_refuse: count.describe("but for dry_run"),
  exempted: count,
  forgotten_keys: count.describe("for want of room"),
  uncounted: count.describe("requests whose key found no room"),
  most_refused: z.array(refusedKey),
});

/** `GET /api/v1/limits`. */
export const rateLimitList = z.strictObject({ limits: z.array(rateLimitView.meta({ id: "RateLimit" })) });

/** A limit as it is shown. */
export type ShownRateLimit = Frozen<z.infer<typeof rateLimitView>>;
