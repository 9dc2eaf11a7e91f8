/** `GET /api/v1/requests` and `GET /api/v1/errors`. */
import { z } from "zod";
import type {
  ExplainMemoryStatus,
  RecentError,
  RecentErrors,
  RecentRequest,
  RecentRequests,
} from "../../../shared/explanation/recent.ts";
import { describing } from "./describing.ts";

const requestShape = {
  request_id: z.string(),
  began_at: z.iso.datetime(),
  duration_ms: z.number().min(0),
  waited_ms: z.number().min(0),
  worker: z.int().min(0),
  route: z.string().nullable().describe("null = it was refused before there was one, or it is not known any more"),
  pool: z.string().nullable().describe("null = no server was to be asked"),
  method: z.string(),
  path: z.string().describe("without its query, cut"),
  client: z.string().nullable().describe("address of the client, of failed and slow ones"),
  status: z.int().min(0).max(999).describe("499 = the client left before it was answered; 0 = not known"),
  failure: z.string().nullable().describe("code of what went wrong; server_error = the server's own 5xx"),
  proxy_status: z.string().nullable().describe("Proxy-Status of the response (RFC 9209)"),
  kept_as: z.enum(["usual", "slow", "failed"]),
  server: z.string().nullable().describe("whose response was the client's, or which was asked last"),
  server_id: z.int().nullable(),
  strategy: z.string().nullable(),
  choice: z.string().nullable().describe("how that server came to be chosen"),
  attempt_count: z.int().min(0),
  stands_for: z.number().min(0).describe("how many like it this one stands for"),
};

/** What every request is told with: explanations have more. */
export const recentRequest = describing<RecentRequest>()(z.strictObject(requestShape).meta({ id: "RecentRequest" }));

const recentError = describing<RecentError>()(
  z.strictObject({ ...requestShape, message: z.string().describe("what went wrong") }).meta({ id: "RecentError" }),
);

const explainMemory = describing<ExplainMemoryStatus>()(
  z
    .strictObject({
      enabled: z.boolean(),
      usual_since: z.iso.datetime().nullable().describe("null = there are none"),
      failed_since: z.iso.datetime().nullable().describe("of failed and slow ones"),
      usual_one_in: z.int().min(1).describe("one in so many usual requests is kept at present"),
      slow_ms: z.number().nullable().describe("what takes longer is slow at present; null = not known yet"),
      bytes: z.int().min(0),
      limit_bytes: z.int().min(0),
      note: z.string().describe("the same in a sentence"),
    })
    .meta({ id: "ExplainMemory" }),
);

/** `GET /api/v1/requests`. */
export const recentRequests = describing<RecentRequests>()(
  z.strictObject({ memory: explainMemory, requests: z.array(recentRequest).describe("the newest first") }),
);

/** `GET /api/v1/errors`. */
export const recentErrors = describing<RecentErrors>()(
  z.strictObject({
    memory: explainMemory,
    counts: z.array(z.strictObject({ code: z.string(), count: z.number().min(0) })).describe("the most frequent first"),
    counted_since: z.iso.datetime().nullable(),
    errors: z.array(recentError).describe("the newest first"),
  }),
);
