/** `GET /api/v1/certificates`. */
import { z } from "zod";
import type { ShownCertificate } from "../../processes/acme/description.ts";
import { describing } from "./describing.ts";

/** One in use, or to come. */
export const certificateView = describing<ShownCertificate>()(
  z
    .strictObject({
      name: z.string(),
      expires_at: z.iso.datetime().nullable().describe("null = there is none yet"),
      source: z.enum(["file", "acme"]),
      acme: z
        .strictObject({
          state: z.enum(["waiting", "ordering", "failing"]),
          challenge: z.enum(["http-01", "tls-alpn-01"]),
          next_try_at: z.iso.datetime().nullable().describe("null = now"),
          failures: z.int().min(0),
          last_error: z.strictObject({ at: z.iso.datetime(), message: z.string() }).nullable(),
        })
        .nullable(),
    })
    .meta({ id: "Certificate" }),
);

/** All of them. */
export const certificateList = z.strictObject({ certificates: z.array(certificateView) });
