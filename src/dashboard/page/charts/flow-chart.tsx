/** How traffic flows, as people would draw it: clients on the left, servers on the right, widths are shares. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { LiveFrame } from "../../../shared/live/frame.ts";
import { flowGraph } from "../model/flow-graph.ts";
import { type FlowMeasures, type PlacedNode, placeFlow } from "../model/flow-layout.ts";
import { count, percent } from "../model/format/numbers.ts";
import type { ServerRow } from "../model/server-list.ts";

const NARROW_PX = 460;
/** Right of the last column, where there is room. */
const LABEL_PX = 200;
const LABEL_GAP_PX = 14;
const CHARACTER_PX = 6.6;
/** `  48 %`. */
const SHARE_CHARACTERS = 6;

/** The picture, and the same as a list for who cannot see it. */
export function FlowChart(props: {
  readonly frame: LiveFrame;
  readonly servers: readonly ServerRow[];
  readonly instance: string;
}) {
  const holder = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(900);
  useEffect(() => {
    const watch = new ResizeObserver(([entry]) => setWidth(Math.max(280, Math.round(entry.contentRect.width))));
    watch.observe(holder.current!);
    return () => watch.disconnect();
  }, []);
  const { frame } = props;
  const narrow = width < NARROW_PX;
  const graph = flowGraph(frame, props.servers, props.instance, narrow);
  const most = Math.min(LABEL_PX, Math.round(width * (narrow ? 0.46 : 0.34)));
  const longest = Math.max(0, ...(graph.columns.at(-1) ?? []).map(({ label }) => label.length));
  const room = Math.min(most, Math.ceil((longest + SHARE_CHARACTERS) * CHARACTER_PX) + LABEL_GAP_PX);
  const picture = placeFlow(graph, measuresFor(width - room, narrow));
  const total = frame.totals.rps;
  return (
    <figure class="flow" aria-label={`How traffic flows: ${count(total, "/s")} in all`}>
      <div ref={holder}>
        <svg
          width={width}
          height={picture.height + 4}
          viewBox={`0 -2 ${width} ${picture.height + 4}`}
          aria-hidden="true"
        >
          {picture.edges.map((edge) => (
            <path key={`${edge.from} ${edge.to}`} class={`band ${edge.tone}`} d={edge.path} />
          ))}
          {picture.nodes.map((node) => (
            <Node
              key={node.key}
              node={node}
              total={total}
              width={picture.width}
              room={room}
              columns={graph.columns.length}
            />
          ))}
        </svg>
      </div>
      <ul class="hidden">
        {graph.columns.at(-1)?.map(({ key, label, rate }) => (
          <li key={key}>
            {label}: {count(rate, "/s")}, {percent(total === 0 ? null : rate / total)}
          </li>
        ))}
      </ul>
    </figure>
  );
}

function measuresFor(width: number, narrow: boolean): FlowMeasures {
  return { width, nodeWidth: 6, gap: narrow ? 10 : 8, minHeight: 17, flowHeight: narrow ? 130 : 190 };
}

/** A bar with its name; in the last column the name is left of it. */
function Node(props: {
  readonly node: PlacedNode;
  readonly total: number;
  readonly width: number;
  readonly room: number;
  readonly columns: number;
}) {
  const { node, total, width, columns } = props;
  const last = node.x > width - 20;
  const characters = Math.floor(
    (last ? props.room - LABEL_GAP_PX : width / Math.max(1, columns - 1) - 20) / CHARACTER_PX,
  );
  const share = shareOf(node, total);
  // The name comes first: how wide it is drawn says the share, too.
  const shown = node.label.length + share.length <= characters ? share : "";
  const label = shortened(node.label, characters - shown.length);
  return (
    <g>
      <title>{`${node.label}: ${count(node.rate, "/s")}`}</title>
      <rect class={`node ${node.tone}`} x={node.x} y={node.y} width="6" height={node.height} rx="2" />
      <text class="node-label" x={node.x + 13} y={node.y + node.height / 2} dy="0.34em">
        {label}
        <tspan class="node-share">{shown}</tspan>
      </text>
    </g>
  );
}

/** Nothing where everything goes through it, which is seen. */
function shareOf({ x, rate }: PlacedNode, total: number): string {
  if (x === 0) return `  ${count(rate, "/s")}`;
  const part = total > 0 ? rate / total : 0;
  return part > 0 && part < 0.995 ? `  ${percent(part)}` : "";
}

/** The end tells servers apart, so the middle goes. */
function shortened(text: string, most: number): string {
  if (text.length <= Math.max(most, 5)) return text;
  const keep = Math.max(most, 5) - 1;
  return `${text.slice(0, Math.ceil(keep / 3))}…${text.slice(text.length - Math.floor((2 * keep) / 3))}`;
}
