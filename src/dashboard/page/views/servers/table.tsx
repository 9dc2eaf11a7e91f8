/** Servers as rows: any number of them; only those in sight are drawn. */
import { useEffect, useRef, useState } from "preact/hooks";
import { place, setQuery } from "../../app/place.ts";
import { addressOf } from "../../app/router.ts";
import { count, latency, percent } from "../../model/format/numbers.ts";
import {
  loadOf,
  type ServerRow,
  SORT_KEYS,
  type Sorting,
  type SortKey,
  sortServers,
  windowOf,
} from "../../model/server-list.ts";
import { useEdges } from "../../widgets/edges.ts";
import { StateBadge } from "../../widgets/text.tsx";

const ROW_PX = 35;
const HEADINGS: Readonly<Record<SortKey, string>> = {
  name: "Server",
  pool: "Pool",
  state: "State",
  share: "Share",
  rps: "Rate",
  in_flight: "In flight",
  p50: "p50",
  p99: "p99",
  cpu: "CPU",
  errors: "Errors",
  weight: "Weight",
};
/** They begin with the largest. */
const LARGEST_FIRST: ReadonlySet<SortKey> = new Set([
  "share",
  "rps",
  "in_flight",
  "p50",
  "p99",
  "cpu",
  "errors",
  "weight",
]);
const TEXTS: ReadonlySet<SortKey> = new Set(["name", "pool", "state"]);

/** Scrolls within itself. */
export function ServerTable({ rows, heightPx }: { readonly rows: readonly ServerRow[]; readonly heightPx: number }) {
  const box = useRef<HTMLDivElement>(null);
  const [scrolled, setScrolled] = useState(0);
  const sorting = sortingOf(place.value.query);
  const several = rows.some(({ pool }) => pool !== rows[0].pool);
  const keys = SORT_KEYS.filter((key) => several || key !== "pool");
  const sorted = sortServers(rows, sorting);
  const edges = useEdges(box);
  const { from, to } = windowOf(sorted.length, ROW_PX, scrolled, heightPx);
  useEffect(() => {
    const element = box.current!;
    const onScroll = () => setScrolled(Math.floor(element.scrollTop / ROW_PX) * ROW_PX);
    element.addEventListener("scroll", onScroll, { passive: true });
    return () => element.removeEventListener("scroll", onScroll);
  }, []);
  return (
    <div class={`card ${edges}`}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be in reach of the keyboard */}
      <section ref={box} class="scroll tall" tabIndex={0} aria-label="Servers">
        <table class="table servers" aria-rowcount={sorted.length + 1}>
          <thead class="fixed">
            <tr aria-rowindex={1}>
              {keys.map((key) => (
                <Heading key={key} of={key} sorting={sorting} />
              ))}
              <th scope="col">Why it gets what it gets</th>
            </tr>
          </thead>
          <tbody>
            <Spacer rows={from} columns={keys.length + 1} />
            {sorted.slice(from, to).map((row, i) => (
              <Row key={row.id} row={row} several={several} index={from + i + 2} />
            ))}
            <Spacer rows={sorted.length - to} columns={keys.length + 1} />
          </tbody>
        </table>
      </section>
    </div>
  );
}

function sortingOf({ sort = "", order = "" }: Readonly<Record<string, string>>): Sorting {
  const key = (SORT_KEYS as readonly string[]).includes(sort) ? (sort as SortKey) : "state";
  return { key, descending: order === "" ? LARGEST_FIRST.has(key) : order === "down" };
}

function Heading({ of, sorting }: { readonly of: SortKey; readonly sorting: Sorting }) {
  const active = sorting.key === of;
  const press = () => {
    const descending = active ? !sorting.descending : LARGEST_FIRST.has(of);
    setQuery({ sort: of, order: descending ? "down" : "up" });
  };
  return (
    <th
      scope="col"
      class={TEXTS.has(of) ? "" : "num"}
      aria-sort={active ? (sorting.descending ? "descending" : "ascending") : undefined}
    >
      <button type="button" class="sort" onClick={press}>
        {HEADINGS[of]}
        {active && <span aria-hidden="true">{sorting.descending ? " ↓" : " ↑"}</span>}
      </button>
    </th>
  );
}

function Row({ row, several, index }: { readonly row: ServerRow; readonly several: boolean; readonly index: number }) {
  const load = loadOf(row);
  return (
    <tr aria-rowindex={index}>
      <th scope="row">
        <a href={addressOf("servers", String(row.id))}>{row.name}</a>
      </th>
      {several && <td>{row.pool}</td>}
      <td title={row.reason}>
        <StateBadge state={row.state} />
      </td>
      <td class="num">{percent(row.share)}</td>
      <td class="num">{count(row.rps, "/s")}</td>
      <td class={`num ${load.isFull ? "alarm" : ""}`} title={load.meaning}>
        {load.text}
      </td>
      <td class="num">{latency(row.p50)}</td>
      <td class="num">{latency(row.p99)}</td>
      <td class="num">{row.cpu === null ? "–" : `${Math.round(row.cpu)} %`}</td>
      <td class={`num ${row.errors >= 0.01 ? "alarm" : ""}`}>{percent(row.errors)}</td>
      <td class="num">{row.effective === row.weight ? row.weight : `${row.effective.toFixed(2)} of ${row.weight}`}</td>
      <td class="why-cell">
        <div class="clip">{row.state === "up" ? row.why : row.reason}</div>
      </td>
    </tr>
  );
}

function Spacer({ rows, columns }: { readonly rows: number; readonly columns: number }) {
  if (rows === 0) return null;
  return (
    <tr class="spacer">
      <td colSpan={columns} style={{ height: `${rows * ROW_PX}px` }} />
    </tr>
  );
}
