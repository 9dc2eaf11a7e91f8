/** Events one below the other. */
import type { TimelineEvent } from "../../../shared/live/timeline.ts";
import { toneOfEvent } from "../model/words.ts";
import { Badge, Time } from "../widgets/text.tsx";

/** Newest first, as they come. @param brief without who did it. */
export function EventList({
  events,
  brief = false,
}: {
  readonly events: readonly TimelineEvent[];
  readonly brief?: boolean;
}) {
  return (
    <ol class={`events ${brief ? "brief" : ""}`}>
      {events.map((event) => (
        <li key={event.id}>
          <Time ms={Date.parse(event.at)} />
          <Badge tone={toneOfEvent(event.kind, event.message)}>{event.kind}</Badge>
          <p>
            {event.message}
            {!brief && event.actor !== "" && event.actor !== "balancer" && <span class="dim"> · {event.actor}</span>}
          </p>
        </li>
      ))}
    </ol>
  );
}
