/** `/api/v1/certificates…`: which there are, how those by ACME stand, and that one is wanted now. */
import { z } from "zod";
import type { Operations } from "../../operations/operations.ts";
import type { ShownCertificate } from "../../processes/acme/description.ts";
import { certificateList } from "../answers/certificates.ts";
import { reasonSchema } from "../changes/terms.ts";
import { ApiError, json } from "../responses.ts";
import { operation, type RouteGroup } from "./route.ts";

/** What becomes of an order: it is `taken`, or why not. */
export type RenewalAnswer =
  | { readonly kind: "taken" }
  | { readonly kind: "unknown" | "busy" | "away" }
  | { readonly kind: "early"; readonly waitSeconds: number };

/** What these routes show and order. */
export interface CertificatesControl {
  readonly certificates: {
    /** As they are now. */
    list(): readonly ShownCertificate[];
    /** Has one asked for now, whenever its time would be. */
    renew(name: string): RenewalAnswer;
  };
  readonly operations: Pick<Operations, "note">;
}

/** They are the operator's. */
export const certificateRoutes: RouteGroup<CertificatesControl> = (control) => [
  {
    path: "/api/v1/certificates",
    audience: "operator",
    methods: {
      GET: operation({
        scope: "read",
        doc: "the certificates in use with their ends and where they come from (`file` or `acme`); of those by ACME how they stand (`waiting`, `ordering`, `failing`), when they are asked for next, and what went wrong last",
        response: certificateList,
        handle: () => json({ certificates: control.certificates.list() }),
      }),
    },
  },
  {
    path: "/api/v1/certificates/<name>/renew",
    parts: ["[^/]{1,300}"],
    audience: "operator",
    methods: {
      POST: operation({
        scope: "admin",
        doc: "asks for a new certificate by ACME for `<name>` now; answered with 202 before it is there. CAs count: a name may be asked for a few times a week",
        response: z.strictObject({ name: z.string(), state: z.literal("ordering") }),
        body: z.strictObject({ reason: reasonSchema }),
        handle: ({ parts: [name], body, caller }) => {
          refuse(control.certificates.renew(name), name);
          control.operations.note(caller, {
            action: "certificate.renew",
            target: `the certificate of ${name}`,
            words: `a new certificate for ${name} was asked for by an operator`,
            before: null,
            after: "ordering",
            reason: body.reason,
          });
          return json({ name, state: "ordering" }, 202);
        },
      }),
    },
  },
];

function refuse(answer: RenewalAnswer, name: string): void {
  switch (answer.kind) {
    case "unknown":
      throw new ApiError(404, "not_found", `no certificate for ${name.slice(0, 100)} is got by ACME: see ACME_DOMAINS`);
    case "busy":
      throw new ApiError(409, "renewal_under_way", `a certificate for ${name} is being asked for already`);
    case "early": {
      const retry = { "retry-after": String(answer.waitSeconds) };
      const wait = `the last try for ${name} was less than a minute ago: wait, the CA counts them`;
      throw new ApiError(429, "renewal_too_soon", wait, retry);
    }
    case "away":
      throw new ApiError(503, "acme_away", "the process that gets certificates is not there: try again", {
        "retry-after": "5",
      });
  }
}
