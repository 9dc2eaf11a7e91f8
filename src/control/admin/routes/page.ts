/** `/` and `/assets/…`: the page for people. Its files say nothing of the fleet, so they need no token; what it asks does. */
import type { PageAnswer, PageFile } from "../../dashboard/page-files.ts";
import { ApiError } from "../responses.ts";
import { operation, type RouteGroup } from "./route.ts";

/** Where the files are. */
export interface PageControl {
  readonly page: { get(path: string): Promise<PageAnswer> };
}

/** Nothing from elsewhere, nothing inline, in no frame: what somebody smuggles into a name or a reason stays text. */
const SECURITY = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), geolocation=(), microphone=()",
} as const;
const FOR_EVER = "public, max-age=31536000, immutable";
const ASK_AGAIN = "no-cache";

/** They are the operator's, and open to whoever reaches the port. */
export const pageRoutes: RouteGroup<PageControl> = (control) => [
  {
    path: "/",
    audience: "operator",
    methods: {
      GET: operation({
        scope: "public",
        media: "text/html",
        doc: "the page for people, for a browser ([dashboard.md](dashboard.md)); without a token it shows where to type one",
        handle: async ({ request }) => {
          const answer = await control.page.get("/");
          if (answer === "later" || answer === "none") {
            const text = "The page is being made ready: it comes by itself in a moment.";
            return wordsFor(503, text, { "retry-after": "2", refresh: "2" });
          }
          if ("problem" in answer) {
            const text = `The page could not be bundled. The API works all the same; the log says this, too:\n\n${answer.problem}`;
            return wordsFor(500, text);
          }
          return fileResponse(request, answer, ASK_AGAIN);
        },
      }),
    },
  },
  {
    path: "/assets/<name>",
    parts: ["[A-Za-z0-9_.-]{1,200}"],
    audience: "operator",
    methods: {
      GET: operation({
        scope: "public",
        media: "application/octet-stream",
        doc: "what the page loads, under names that change with what is in it",
        handle: async ({ request, parts: [name] }) => {
          const answer = await control.page.get(`/assets/${name}`);
          if (answer === "later" || (typeof answer === "object" && "problem" in answer)) {
            throw new ApiError(503, "page_unavailable", "the page is not there yet: GET / says why", {
              "retry-after": "2",
            });
          }
          if (answer === "none") throw new ApiError(404, "not_found", "the page has no such file: load it again");
          return fileResponse(request, answer, FOR_EVER);
        },
      }),
    },
  },
];

function fileResponse(request: Request, { type, body, gzip, hash }: PageFile, cache: string): Response {
  const packed = acceptsGzip(request.headers.get("accept-encoding"));
  const tag = `"${hash}${packed ? "-gz" : ""}"`;
  const headers = { ...SECURITY, "cache-control": cache, etag: tag, vary: "accept-encoding" };
  const known = request.headers.get("if-none-match")?.split(",") ?? [];
  if (known.some((one) => one.trim().replace(/^W\//, "") === tag)) return new Response(null, { status: 304, headers });
  const encoding = packed ? { "content-encoding": "gzip" } : {};
  return new Response(packed ? gzip : body, { headers: { ...headers, ...encoding, "content-type": type } });
}

/** RFC 9110 section 12.5.3, as far as it matters for one encoding. */
function acceptsGzip(accept: string | null): boolean {
  const parts = (accept ?? "").toLowerCase().split(",");
  return parts.some((part) => /^\s*(gzip|x-gzip)\s*(;\s*q=(1(\.0*)?|0\.\d*[1-9]\d*)\s*)?$/.test(part));
}

/** For people, as plain text: there is nothing to be smuggled into. */
function wordsFor(status: number, text: string, headers: Readonly<Record<string, string>> = {}): Response {
  const plain = { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" };
  return new Response(`NeuraBalancer\n\n${text}\n`, { status, headers: { ...SECURITY, ...plain, ...headers } });
}
