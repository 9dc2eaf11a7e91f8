/** `/api/v1/live…` and `/api/v1/timeline`: what the page lives on. */

import { z } from "zod";
import { shortened } from "../../../shared/shortened.ts";
import { EVENT_KINDS, type EventKind } from "../../../storage/history-store.ts";
import type { Live } from "../../live/live.ts";
import { MAX_WATCHERS } from "../../live/stream.ts";
import { liveRecent, timeline } from "../answers/live.ts";
import { ApiError, json, jsonBlob } from "../responses.ts";
import { SharedResponse } from "../shared-response.ts";
import { sinceMs, sinceText } from "../since.ts";
import { operation, type RouteGroup } from "./route.ts";

/** What these routes show. */
export interface LiveControl {
  readonly live: Pick<Live, "full" | "watch" | "unwatched" | "recent" | "timeline">;
  /** Milliseconds since the epoch. */
  wallMs(): number;
  /** Monotonic, milliseconds. */
  nowMs(): number;
}

/** Servers whose points may be asked for by id at one time. */
const MAX_IDS = 64;
const RETRY_LATER = { "retry-after": "10" } as const;

const servers = z
  .string()
  .regex(
    /^(all|none|\d{1,10}(,\d{1,10}){0,63})$/,
    `all, none, or up to ${MAX_IDS} ids of servers, with commas between`,
  );
const recentQuery = z.object({ servers: servers.optional() });

const kinds = z.string().transform((text, context): readonly EventKind[] => {
  const asked = text.split(",");
  const unknown = asked.find((kind) => !EVENT_KINDS.includes(kind as EventKind));
  if (unknown === undefined) return asked as EventKind[];
  context.addIssue({
    code: "custom",
    message: `there is no kind ${shortened(unknown, 40)}: use ${EVENT_KINDS.join(", ")}`,
  });
  return z.NEVER;
});
const timelineQuery = z.object({
  since: sinceText,
  kind: kinds.optional(),
  pool: z.string().max(200).optional(),
  server: z.string().max(300).optional(),
  limit: z
    .string()
    .regex(/^\d{1,4}$/, "a number from 1 to 2000")
    .transform(Number)
    .refine((limit) => limit >= 1 && limit <= 2_000, "a number from 1 to 2000")
    .optional(),
});

/** They are the operator's. */
export const liveRoutes: RouteGroup<LiveControl> = (control) => {
  const recent = new SharedResponse<Blob, string>(
    (asked) => control.live.recent(serversOf(asked)),
    () => control.nowMs(),
  );
  return [
    {
      path: "/api/v1/live",
      audience: "operator",
      methods: {
        GET: operation({
          scope: "read",
          media: "text/event-stream",
          doc: `a stream of Server-Sent Events: \`topology\` (names, when they change), a \`frame\` each second, an \`event\` for whatever happens; \`Last-Event-ID\` brings events that were missed. ${MAX_WATCHERS} may watch at one time ([dashboard.md](dashboard.md#the-stream))`,
          handle: ({ request }) => {
            if (request.method === "HEAD") return control.live.unwatched();
            if (control.live.full) {
              const sentence = `${MAX_WATCHERS} watch already: close a page that nobody looks at`;
              throw new ApiError(503, "too_many_watchers", sentence, RETRY_LATER);
            }
            return control.live.watch(request.headers.get("last-event-id"));
          },
        }),
      },
    },
    {
      path: "/api/v1/live/recent",
      audience: "operator",
      methods: {
        GET: operation({
          scope: "read",
          query: recentQuery,
          response: liveRecent,
          doc: "the last hour from memory, a point each five seconds, with or without HISTORY (`?servers=all`, `none`, or ids: where there are more than 24 servers, theirs is left out unless it is asked for)",
          handle: async ({ request, query }) => jsonBlob(await recent.get(request.signal, query.servers ?? "")),
        }),
      },
    },
    {
      path: "/api/v1/timeline",
      audience: "operator",
      methods: {
        GET: operation({
          scope: "read",
          query: timelineQuery,
          response: timeline,
          doc: "what happened lately, the newest first, from memory: with or without HISTORY (`?since=`, `?kind=`, `?pool=`, `?server=`, `?limit=`)",
          handle: ({ query: { since, kind, pool, server, limit } }) => {
            const filter = { sinceMs: sinceMs(since, control.wallMs()) ?? undefined, kinds: kind, pool, server };
            return json(control.live.timeline(filter, limit ?? 200));
          },
        }),
      },
    },
  ];
};

/** `undefined` = as many as are good to have. */
function serversOf(asked: string): readonly number[] | null | undefined {
  if (asked === "") return undefined;
  if (asked === "all") return null;
  return asked === "none" ? [] : asked.split(",").map(Number);
}
