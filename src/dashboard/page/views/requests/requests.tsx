/** Requests of late that failed or were slow, and why each went where it went. */
import type { RecentErrors, RecentRequests } from "../../../../shared/explanation/recent.ts";
import { useAsked } from "../../app/asked.ts";
import { place, setQuery } from "../../app/place.ts";
import { addressOf } from "../../app/router.ts";
import { count, latency } from "../../model/format/numbers.ts";
import { Button, Filter, Segments } from "../../widgets/controls.tsx";
import { Badge, Empty, Time } from "../../widgets/text.tsx";
import { ExplainedRequest } from "./explained-request.tsx";
import { RequestTable } from "./request-table.tsx";

const REASONS = [
  ["failed", "Failed"],
  ["slow", "Slow"],
  ["any", "All"],
] as const;
const EVERY_MS = 5_000;
const MOST = 100;

/** The view: a list, or one request. */
export function Requests() {
  const { item } = place.value;
  return item === "" ? <RequestList /> : <ExplainedRequest key={item} id={item} />;
}

function RequestList() {
  const { reason = "failed", pool = "", server = "", route = "" } = place.value.query;
  const query = new URLSearchParams({ reason, limit: String(MOST) });
  for (const [name, value] of Object.entries({ pool, server, route })) if (value !== "") query.set(name, value);
  const { body, error, again } = useAsked<RecentRequests>(`/api/v1/requests?${query}`, EVERY_MS);
  return (
    <>
      <div class="head">
        <h1>Requests</h1>
        <div class="end">
          <Segments
            label="Which requests"
            options={REASONS}
            value={reason as never}
            onChange={(next) => setQuery({ reason: next })}
          />
          <Filter label="Server" value={server} onInput={(next) => setQuery({ server: next })} />
          <Button onPress={again}>Read again</Button>
        </div>
      </div>
      {reason === "failed" && <ErrorCounts />}
      <section class="card" aria-label="Requests">
        {error !== null ? (
          <Empty>{error}</Empty>
        ) : body === null ? (
          <Empty>Asking…</Empty>
        ) : body.requests.length === 0 ? (
          <Empty>{reason === "failed" ? "No request has failed." : "There is none."}</Empty>
        ) : (
          <RequestTable requests={body.requests} />
        )}
      </section>
      {body !== null && <p class="dim">{body.memory.note}</p>}
    </>
  );
}

function ErrorCounts() {
  const { body } = useAsked<RecentErrors>("/api/v1/errors?limit=1", EVERY_MS);
  if (body === null || body.counts.length === 0) return null;
  return (
    <p class="row">
      {body.counts.map(({ code, count: times }) => (
        <Badge key={code} tone="bad">
          {code} {count(times)}
        </Badge>
      ))}
      {body.counted_since !== null && (
        <span class="dim">
          since <Time ms={Date.parse(body.counted_since)} />
        </span>
      )}
      {body.memory.slow_ms !== null && <span class="dim">slow: more than {latency(body.memory.slow_ms)}</span>}
      <a class="end" href={addressOf("timeline")}>
        What happened then
      </a>
    </p>
  );
}
