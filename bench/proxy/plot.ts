/**
 * The tables as one picture (SVG): for each row, what a request costs every proxy, as a share of what it costs the better
 * of nginx and HAProxy. Ours has the middle half of the rounds as a whisker. Colours follow the reader's light or dark
 * scheme.
 */
import { machineLine } from "../common/machine.ts";
import { escaped } from "../common/svg.ts";
import type { Report } from "./report.ts";
import type { Row } from "./rows.ts";
import { OURS, overall, type RowFigures } from "./summary.ts";

const WIDTH = 960;
const LABEL_WIDTH = 270;
const RIGHT_MARGIN = 70;
const TOP = 84;
const BAR = 9;
const GROUP_GAP = 12;
const MOST = 1.6;

const STYLE = `
  text { font: 13px system-ui, sans-serif; fill: #1f2328 }
  .title { font-size: 18px; font-weight: 600 } .small { font-size: 11px; fill: #59636e }
  .grid { stroke: #d1d9e0 } .one { stroke: #59636e; stroke-dasharray: 4 3 } .whisker { stroke: #1f2328; stroke-width: 1.5 }
  .ours { fill: #0969da } .nginx { fill: #8c959f } .haproxy { fill: #c6cdd5 } .other { fill: #e3c27a }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc } .small { fill: #9198a1 } .grid { stroke: #3d444d } .one { stroke: #9198a1 }
    .whisker { stroke: #f0f6fc } .ours { fill: #4493f8 } .nginx { fill: #6e7681 } .haproxy { fill: #484f58 }
    .other { fill: #9e6a03 }
  }`;

/** The whole SVG file. Rows without a ratio (memory) are left out; the access log is on where both were measured. */
export function renderPlot(report: Report): string {
  const accessLog = report.figures.some((found) => found.accessLog);
  const drawn = report.rows.flatMap((row): [Row, RowFigures][] => {
    const found = report.figures.find((one) => one.row === row.name && one.accessLog === accessLog);
    return found?.toBetter ? [[row, found]] : [];
  });
  const parts: string[] = [];
  let y = TOP;
  for (const [row, found] of drawn) {
    parts.push(group(row, found, y));
    y += found.peers.length * BAR + GROUP_GAP;
  }
  const mean = overall(report.figures, report.rows, accessLog, "toBetter");
  const height = y + 46;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="CPU per request">
<style>${STYLE}
</style>
<text class="title" x="16" y="28">CPU per request, access log ${accessLog ? "on" : "off"}: ${share(mean)} of the better of nginx and HAProxy (geometric mean)</text>
${legend(report)}
${grid(y)}
${parts.join("\n")}
<text class="small" x="16" y="${height - 12}">${escaped(machineLine(report.machine))}</text>
</svg>
`;
}

function group(row: Row, { peers, better, toBetter }: RowFigures, top: number): string {
  const unit = peers.find(({ peer }) => peer === better)?.cpuUs.median ?? Number.NaN;
  const middle = top + (peers.length * BAR) / 2;
  const parts = [`<text x="${LABEL_WIDTH - 10}" y="${middle + 4}" text-anchor="end">${escaped(row.title)}</text>`];
  peers.forEach(({ peer, cpuUs }, index) => {
    const y = top + index * BAR;
    // Ours is drawn by the median of the rounds' ratios, which is the figure that counts.
    const value = peer === OURS && toBetter !== null ? toBetter.median : cpuUs.median / unit;
    parts.push(
      `<rect class="${colour(peer)}" x="${LABEL_WIDTH}" y="${y}" width="${at(value) - LABEL_WIDTH}" height="${BAR - 1}">` +
        `<title>${escaped(peer)}: ${cpuUs.median.toFixed(1)} µs</title></rect>`,
    );
    if (peer !== OURS || toBetter === null) return;
    const centre = y + BAR / 2;
    parts.push(`<path class="whisker" d="M${at(toBetter.low)} ${centre}H${at(toBetter.high)}"/>`);
    parts.push(`<text class="small" x="${at(Math.max(value, toBetter.high)) + 5}" y="${y + 8}">${share(value)}</text>`);
  });
  return parts.join("\n");
}

function legend({ peers }: Report): string {
  let x = LABEL_WIDTH;
  return peers
    .map(({ name, title, version }) => {
      const text = `${title} ${version}`;
      const entry = `<rect class="${colour(name)}" x="${x}" y="46" width="11" height="11"/><text class="small" x="${x + 16}" y="56">${escaped(text)}</text>`;
      x += 40 + text.length * 6.2;
      return entry;
    })
    .join("\n");
}

function grid(bottom: number): string {
  const lines: string[] = [];
  for (let value = 0; value <= MOST; value += 0.25) {
    const x = at(value);
    lines.push(`<path class="${value === 1 ? "one" : "grid"}" d="M${x} ${TOP - 8}V${bottom - 6}"/>`);
    lines.push(`<text class="small" x="${x}" y="${bottom + 8}" text-anchor="middle">${share(value)}</text>`);
  }
  return lines.join("\n");
}

function at(value: number): number {
  const shown = Math.min(MOST, Math.max(0, value));
  return Math.round(LABEL_WIDTH + (shown / MOST) * (WIDTH - LABEL_WIDTH - RIGHT_MARGIN));
}

function colour(peer: string): string {
  return peer === OURS || peer === "nginx" || peer === "haproxy" ? peer : "other";
}

function share(value: number): string {
  return `${Math.round(value * 100)} %`;
}
