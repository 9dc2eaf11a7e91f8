/** All servers, as cards while they are few, as a table that can be sorted and narrowed. */
import { servers, topology } from "../../app/live.ts";
import { place, setQuery } from "../../app/place.ts";
import { plural } from "../../model/format/numbers.ts";
import { filterServers } from "../../model/server-list.ts";
import { ActButton, Filter, Segments } from "../../widgets/controls.tsx";
import { Empty } from "../../widgets/text.tsx";
import { MOST_CARDS } from "../overview/overview.tsx";
import { add } from "./acts.ts";
import { ServerCards } from "./cards.tsx";
import { ServerTable } from "./table.tsx";

/** The view. */
export function Servers() {
  const all = servers.value;
  const { words = "", as = "" } = place.value.query;
  const found = filterServers(all, words);
  const form = as === "" ? (all.length <= MOST_CARDS ? "cards" : "table") : as;
  const pools = topology.value!.pools.map(({ name }) => name);
  return (
    <>
      <div class="head">
        <h1>Servers</h1>
        <p class="dim" role="status">
          {words === "" ? plural(all.length, "server") : `${found.length} of ${plural(all.length, "server")}`}
        </p>
        <div class="end">
          <Filter label="Filter: name, pool, state" value={words} onInput={(next) => setQuery({ words: next })} />
          <Segments
            label="Shown as"
            options={[
              ["cards", "Cards"],
              ["table", "Table"],
            ]}
            value={form}
            onChange={(next) => setQuery({ as: next })}
          />
          <ActButton onPress={() => add(pools, pools[0])}>Add server</ActButton>
        </div>
      </div>
      {found.length === 0 ? (
        <Empty>{all.length === 0 ? "No server is configured." : "No server has these words."}</Empty>
      ) : form === "cards" ? (
        <ServerCards rows={found} />
      ) : (
        <ServerTable rows={found} heightPx={720} />
      )}
    </>
  );
}
