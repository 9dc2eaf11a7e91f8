/** The command line of the benchmark. */
import { parseArgs } from "node:util";
import type { Pin } from "./harness.ts";
import type { Effort } from "./measure.ts";
import { ROWS, type Row, selectRows } from "./rows.ts";
import { VARIANTS } from "./variants.ts";

export const HELP = `Compares what a request costs: NeuraBalancer, nginx and HAProxy doing the same work. See docs/performance.md.

  npm run bench:proxy -- [options]

  --quick            fewer and shorter rounds, about three minutes (default: about a quarter of an hour)
  --rows a,b         only these rows: ${ROWS.map(({ name }) => name).join(", ")}
  --peers a,b        only these: nginx, haproxy, caddy, floor (default: nginx, haproxy); and variants of this
                     checkout, with another strategy, with routes or with all that tells of traffic: ${VARIANTS.map(({ name }) => name).join(", ")}.
                     Variants are compared with the first of them that is named
  --log on|off|both  access log (default: both)
  --base DIR         also measure another checkout of NeuraBalancer, and compare this one with it
  --rounds N         rounds per row
  --seconds S        length of one measurement
  --no-pin           do not give the proxy a core of its own
  --one-core         all on one core, taking turns: what a proxy costs when nobody else sets its pace
  --markdown         the tables as Markdown
  --json FILE        everything that was measured
  --svg FILE         a plot of the tables
`;

export interface Options {
  readonly rows: readonly Row[];
  readonly peers: readonly string[];
  readonly accessLogs: readonly boolean[];
  readonly base: string | null;
  readonly effort: Effort;
  readonly pin: Pin;
  readonly markdown: boolean;
  readonly jsonFile: string | null;
  readonly svgFile: string | null;
}

const KNOWN_PEERS: readonly string[] = ["nginx", "haproxy", "caddy", "floor", ...VARIANTS.map(({ name }) => name)];

/** Reads the arguments; null = help is wanted. Throws an `Error` for the user. */
export function parseOptions(args: readonly string[]): Options | null {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: "boolean", short: "h" },
      quick: { type: "boolean", default: false },
      rows: { type: "string" },
      peers: { type: "string", default: "nginx,haproxy" },
      log: { type: "string", default: "both" },
      base: { type: "string" },
      rounds: { type: "string" },
      seconds: { type: "string" },
      "no-pin": { type: "boolean", default: false },
      "one-core": { type: "boolean", default: false },
      markdown: { type: "boolean", default: false },
      json: { type: "string" },
      svg: { type: "string" },
    },
  });
  if (values.help) return null;
  const peers = list(values.peers);
  const unknown = peers.filter((peer) => !KNOWN_PEERS.includes(peer));
  if (unknown.length > 0) throw new Error(`no peer ${unknown.join(", ")}; there are ${KNOWN_PEERS.join(", ")}`);
  return {
    rows: values.rows === undefined ? ROWS : selectRows(list(values.rows)),
    peers,
    accessLogs: accessLogs(values.log),
    base: values.base ?? null,
    effort: {
      rounds: positive("--rounds", values.rounds, values.quick ? 3 : 7),
      seconds: positive("--seconds", values.seconds, values.quick ? 0.35 : 1),
      warmUpSeconds: values.quick ? 0.6 : 1.2,
    },
    pin: values["one-core"] ? "one" : values["no-pin"] ? "none" : "own",
    markdown: values.markdown,
    jsonFile: values.json ?? null,
    svgFile: values.svg ?? null,
  };
}

function list(text: string): string[] {
  return text.split(",").filter((name) => name !== "");
}

function accessLogs(text: string): boolean[] {
  if (text === "both") return [true, false];
  if (text === "on" || text === "off") return [text === "on"];
  throw new Error("--log is on, off or both");
}

function positive(name: string, text: string | undefined, otherwise: number): number {
  const value = text === undefined ? otherwise : Number(text);
  if (!(value > 0 && value < 1000)) throw new Error(`${name} is a positive number`);
  return value;
}
