/** Why a request went where it went: in sentences, over time, and by the numbers that were compared. */
import type { Explanation } from "../../../../shared/explanation/explanation.ts";
import { useAsked } from "../../app/asked.ts";
import { addressOf } from "../../app/router.ts";
import { latency } from "../../model/format/numbers.ts";
import { Empty, Facts, Time } from "../../widgets/text.tsx";
import { AttemptCard } from "./attempt-card.tsx";
import { AttemptLanes, wasHeld } from "./attempt-lanes.tsx";
import { Outcome } from "./request-table.tsx";

/** The view of one request. */
export function ExplainedRequest({ id }: { readonly id: string }) {
  const { body, error } = useAsked<Explanation>(`/api/v1/explain/${encodeURIComponent(id)}`);
  return (
    <>
      <div class="head">
        <a class="button quiet" href={addressOf("requests")}>
          ← Requests
        </a>
        <h1 class="clip mono">{body === null ? id : `${body.method} ${body.path}`}</h1>
        {body !== null && <Outcome of={body} />}
      </div>
      {error !== null ? (
        <section class="card">
          <Empty>{error}</Empty>
        </section>
      ) : body === null ? (
        <Empty>Asking…</Empty>
      ) : (
        <Explained of={body} />
      )}
    </>
  );
}

function Explained({ of }: { readonly of: Explanation }) {
  return (
    <>
      <section class="card" aria-label="Summary">
        <div class="body stack">
          <p class="lead">{of.summary}</p>
          <Facts
            of={[
              ["Began", <Time ms={Date.parse(of.began_at)} />],
              [
                "Took",
                `${latency(of.duration_ms)}${of.waited_ms === 0 ? "" : `, ${latency(of.waited_ms)} of it ${wasHeld(of) ? "held" : "in the queue"}`}`,
              ],
              ["Route, pool", `${of.route ?? "none"} → ${of.pool ?? "none"}`],
              ["Request id", <span class="mono">{of.request_id}</span>],
              ...(of.client === null ? [] : [["Client", of.client] as const]),
              ...(of.proxy_status === null ? [] : [["Proxy-Status", <code>{of.proxy_status}</code>] as const]),
            ]}
          />
        </div>
      </section>
      {of.attempts.length > 0 && (
        <section class="card" aria-labelledby="in-time">
          <header>
            <h2 id="in-time">In time</h2>
          </header>
          <div class="body">
            <AttemptLanes of={of} />
          </div>
        </section>
      )}
      {of.attempts.map((attempt, i) => (
        <AttemptCard key={`${attempt.at} ${i}`} attempt={attempt} number={i + 1} />
      ))}
      {of.learner !== null && <p class="dim">{of.learner}</p>}
    </>
  );
}
