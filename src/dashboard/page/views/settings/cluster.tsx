/** The instances that share what they know over Redis: who is there, how old what they say is, and how that goes. */
import { useAsked } from "../../app/asked.ts";
import { count, latency, plural, UNKNOWN } from "../../model/format/numbers.ts";
import { type Column, Table } from "../../widgets/table.tsx";
import { Badge, Facts, Time } from "../../widgets/text.tsx";

const EVERY_MS = 3_000;

/** An instance, as far as this shows it. */
interface ShownMember {
  readonly id: string;
  readonly name: string;
  /** The one that answers. */
  readonly self: boolean;
  readonly version: string;
  readonly since: string;
  readonly age_ms: number;
  /** `null` = it does not say, as of those below. */
  readonly servers: number | null;
  readonly down: number | null;
  readonly ejected: number | null;
  readonly in_flight: number | null;
  readonly requests_per_second: number | null;
}

interface ShownCluster {
  readonly cluster: string;
  readonly redis: { readonly state: "off" | "up" | "away"; readonly reason: string | null };
  readonly shares: readonly string[];
  readonly instances: number;
  readonly numbers_age_ms: number | null;
  readonly rounds: {
    readonly ok: number;
    readonly failed: number;
    readonly last_ms: number | null;
    readonly sent_bytes: number;
    readonly received_bytes: number;
  } | null;
  readonly majority_ejections: number;
  readonly training:
    | readonly {
        readonly pool: string;
        readonly leader: { readonly name: string } | null;
        readonly problem: string | null;
      }[]
    | null;
  readonly members: readonly ShownMember[];
}

/** A card; nothing where no Redis is configured. */
export function ClusterCard() {
  const { body } = useAsked<ShownCluster>("/api/v1/cluster", EVERY_MS);
  if (body === null || body.redis.state === "off") return null;
  const away = body.redis.state === "away";
  const several = new Set(body.members.map(({ version }) => version)).size > 1;
  return (
    <section class="card" aria-labelledby="cluster">
      <header>
        <h2 id="cluster">Cluster {body.cluster}</h2>
        <span class="end">
          <Badge tone={away ? "bad" : "ok"}>{away ? "alone, Redis is away" : plural(body.instances, "instance")}</Badge>
        </span>
      </header>
      <div class="body">
        {away && <p>This instance goes on alone until Redis answers: {body.redis.reason}.</p>}
        {several && <p>They run different versions of the program: is a new one being rolled out?</p>}
      </div>
      <Table columns={COLUMNS} rows={body.members} keyOf={({ id }) => id} />
      <div class="body">
        <Facts of={factsOf(body)} />
      </div>
    </section>
  );
}

function factsOf({ shares, rounds, numbers_age_ms: ageMs, majority_ejections: ejections, training }: ShownCluster) {
  return [
    ["Shared", shares.length === 0 ? "only who is there (CLUSTER_SHARE=none)" : shares.join(", ")],
    ["Numbers of the others", ageMs === null ? "none are heard" : `${latency(ageMs)} old`],
    ["Rounds with Redis", rounds === null ? UNKNOWN : `${count(rounds.ok)} went well, ${count(rounds.failed)} failed`],
    ["The last one took", latency(rounds?.last_ms)],
    ["One sends and gets", perRound(rounds)],
    ["Taken out by majority", plural(ejections, "time")],
    ...(training === null ? [["Who trains", "the learner does not answer"] as const] : training.map(trainingOf)),
  ] as const;
}

function perRound(rounds: ShownCluster["rounds"]): string {
  if (rounds === null) return UNKNOWN;
  const all = Math.max(1, rounds.ok + rounds.failed);
  return `${count(rounds.sent_bytes / all, "B")}, ${count(rounds.received_bytes / all, "B")}`;
}

function trainingOf({ pool, leader, problem }: NonNullable<ShownCluster["training"]>[number]) {
  return [
    `Trains for ${pool}`,
    `${leader?.name ?? "nobody at present"}${problem === null ? "" : `: ${problem}`}`,
  ] as const;
}

const orUnknown = (value: number | null): string => (value === null ? UNKNOWN : count(value));

const COLUMNS: readonly Column<ShownMember>[] = [
  {
    title: "Instance",
    kind: "head",
    cell: ({ name, self }) => (
      <>
        {name}
        {self && <span class="dim"> (this one)</span>}
      </>
    ),
    hint: ({ id }) => `Run ${id}`,
  },
  { title: "Version", cell: ({ version }) => version },
  { title: "Since", cell: ({ since }) => <Time ms={Date.parse(since)} /> },
  { title: "Heard", kind: "number", cell: ({ self, age_ms: ageMs }) => (self ? "now" : `${latency(ageMs)} ago`) },
  { title: "Servers", kind: "number", cell: ({ servers }) => orUnknown(servers) },
  {
    title: "Down · ejected",
    kind: "number",
    cell: ({ down, ejected }) => `${orUnknown(down)} · ${orUnknown(ejected)}`,
    alarm: ({ down, ejected }) => (down ?? 0) + (ejected ?? 0) > 0,
    hint: () => "As this instance sees it by itself",
  },
  { title: "In flight", kind: "number", cell: ({ in_flight: inFlight }) => orUnknown(inFlight) },
  { title: "Requests/s", kind: "number", cell: ({ requests_per_second: rate }) => orUnknown(rate) },
];
