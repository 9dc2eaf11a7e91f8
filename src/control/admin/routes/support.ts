/** `/api/v1/support-bundle`: what somebody needs who is to help. */
import { z } from "zod";
import { BundleBusyError, type SupportBundle } from "../../support/support-bundle.ts";
import { ApiError } from "../responses.ts";
import { operation, type RouteGroup } from "./route.ts";

/** Who makes it. */
export interface SupportControl {
  readonly support: Pick<SupportBundle, "make">;
}

const wish = z.object({ addresses: z.enum(["hidden", "plain"]).optional() });

/** It is an admin's: there is more in it than any other answer has. */
export const supportRoutes: RouteGroup<SupportControl> = (control) => [
  {
    path: "/api/v1/support-bundle",
    audience: "operator",
    methods: {
      GET: operation({
        scope: "admin",
        media: "application/gzip",
        query: wish,
        doc: "all that is known of the instance, as a `tar.gz` without secrets ([operations.md](operations.md#support-bundle); `?addresses=plain` keeps addresses of clients)",
        handle: async ({ query: { addresses }, askItself }) => {
          try {
            const { name, bytes } = await control.support.make({ addresses: addresses === "plain" }, askItself);
            return new Response(bytes, {
              headers: {
                "content-type": "application/gzip",
                "content-disposition": `attachment; filename="${name}"`,
                "cache-control": "no-store",
              },
            });
          } catch (error) {
            if (!(error instanceof BundleBusyError)) throw error;
            throw new ApiError(503, "busy", error.message, { "retry-after": "5" });
          }
        },
      }),
    },
  },
];
