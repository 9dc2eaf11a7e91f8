/** `/api/v1/stats` and `/api/v1/events`: what happened. */
import { z } from "zod";
import { eventsAnswer, incidentAnswer, requestsAnswer, serversAnswer, trafficAnswer } from "../answers/history.ts";
import type { HistoryResponses } from "../history-responses.ts";
import { type AdminRoute, operation, type RouteGroup } from "./route.ts";

/** Whom these routes ask. */
export interface HistoryControl {
  readonly history: Pick<HistoryResponses, "ask">;
}

/** As they were written: the process that answers reads them. */
const parameters = z.record(z.string().max(80), z.string());

const TIME = "`?since=`, `?until=`, `?pool=`, `?server=`, `?route=`, `?instance=`";

/** Paths with what is asked for there, what the answer is, and what docs/http-api.md says of it. */
const QUESTIONS: readonly (readonly [path: string, subject: string, answer: z.ZodType, doc: string])[] = [
  [
    "/api/v1/stats",
    "traffic",
    trafficAnswer,
    `requests, rate, share, errors, response times, retries, time in the queue: what \`neurabalancer stats --json\` prints (${TIME}, \`?by=\`, \`?group=\`; [history.md](history.md#asking))`,
  ],
  [
    "/api/v1/events",
    "events",
    eventsAnswer,
    "ejections, changes of state, reloads, changes by operators, and who made them (as above, and `?kind=`, `?limit=`)",
  ],
  [
    "/api/v1/stats/requests",
    "requests",
    requestsAnswer,
    "single requests that were kept (as above, and `?reason=`, `?status=`, `?id=`, `?order=`, `?limit=`)",
  ],
  ["/api/v1/stats/servers", "servers", serversAnswer, "how much of the time servers were in which state (as above)"],
  ["/api/v1/stats/incident", "incident", incidentAnswer, "what was different from the hour before (as above)"],
];

/** They are the operator's. */
export const historyRoutes: RouteGroup<HistoryControl> = (control) =>
  QUESTIONS.map(
    ([path, subject, response, doc]): AdminRoute => ({
      path,
      audience: "operator",
      methods: {
        GET: operation({
          doc,
          scope: "read",
          query: parameters,
          response,
          handle: ({ request, query }) => control.history.ask(subject, query, request.signal),
        }),
      },
    }),
  );
