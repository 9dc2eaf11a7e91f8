/** Everything that happened, newest first, narrowed by kind and words. */
import { useMemo, useState } from "preact/hooks";
import { events, topology } from "../app/live.ts";
import { place, setQuery } from "../app/place.ts";
import { filterEvents, kindsOf } from "../model/events.ts";
import { Button, Filter, Segments } from "../widgets/controls.tsx";
import { Empty, Time } from "../widgets/text.tsx";
import { EventList } from "./event-list.tsx";

const PAGE = 100;

/** The view. */
export function TimelineView() {
  const { kind = "", words = "" } = place.value.query;
  const [shown, setShown] = useState(PAGE);
  const kinds = useMemo(() => kindsOf(events.value), [events.value]);
  const found = useMemo(() => filterEvents(events.value, kind, words), [events.value, kind, words]);
  return (
    <>
      <div class="head">
        <h1>Time line</h1>
        <div class="end">
          <Segments
            label="Kind of event"
            options={[
              ["", `all ${events.value.length}`],
              ...kinds.map(({ kind: name, count }) => [name, `${name} ${count}`] as const),
            ]}
            value={kind}
            onChange={(next) => setQuery({ kind: next })}
          />
          <Filter label="Filter by words" value={words} onInput={(next) => setQuery({ words: next })} />
        </div>
      </div>
      <section class="card" aria-label="Events">
        <div class="body">
          {found.length === 0 ? (
            <Empty>
              {events.value.length === 0 ? (
                <>
                  Nothing has happened since <Time ms={topology.value!.instance.started} />.
                </>
              ) : (
                "Nothing of that kind."
              )}
            </Empty>
          ) : (
            <EventList events={found.slice(0, shown)} />
          )}
        </div>
      </section>
      {found.length > shown && (
        <div class="row">
          <Button onPress={() => setShown(shown + PAGE)}>Show {Math.min(PAGE, found.length - shown)} older</Button>
        </div>
      )}
    </>
  );
}
