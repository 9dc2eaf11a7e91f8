/** One pool that is learned of. */
import type { LiveArm, LiveLearning } from "../../../../shared/live/frame.ts";
import { frame, servers } from "../../app/live.ts";
import { Interval } from "../../charts/interval.tsx";
import { Pairs } from "../../charts/pairs.tsx";
import { count, digits, percent, signedPercent } from "../../model/format/numbers.ts";
import type { Tone } from "../../model/words.ts";
import { ActButton } from "../../widgets/controls.tsx";
import { type Column, Table } from "../../widgets/table.tsx";
import { Badge, Facts, Time } from "../../widgets/text.tsx";
import { orderLearner, rollBack } from "./acts.ts";
import { Models } from "./models.tsx";
import { Verdicts } from "./verdicts.tsx";

const VERDICTS: Readonly<Record<LiveLearning["verdict"], readonly [Tone, string]>> = {
  better: ["ok", "better than the rung below"],
  worse: ["bad", "worse than the rung below"],
  unclear: ["idle", "no clear difference"],
  unknown: ["idle", "too little traffic to say"],
};

/** Its answer first, then what it stands on. */
export function LearnedPool({ of, several }: { readonly of: LiveLearning; readonly several: boolean }) {
  const [tone, words] = VERDICTS[of.verdict];
  const rows = servers.value.filter(({ pool, predicted }) => pool === of.pool && predicted !== null);
  const strategy = frame.value!.pools.find(({ name }) => name === of.pool);
  return (
    <section class="stack" aria-label={`Learning in pool ${of.pool}`}>
      <div class="head">
        <h2>{several || of.pool !== "default" ? `Pool ${of.pool}` : "Is it worth it?"}</h2>
        <Badge tone={tone}>{words}</Badge>
        {of.paused && <Badge tone="warn">learning is paused</Badge>}
        <div class="end">
          <ActButton onPress={() => orderLearner("train", of.pool)}>Train</ActButton>
          <ActButton onPress={() => rollBack(of.pool, of.champion)}>Roll back</ActButton>
          {of.paused ? (
            <ActButton class="primary" onPress={() => orderLearner("resume", of.pool)}>
              Resume
            </ActButton>
          ) : (
            <ActButton onPress={() => orderLearner("pause", of.pool)}>Pause</ActButton>
          )}
        </div>
      </div>
      <div class="two">
        <div class="column">
          <div class="card">
            <header>
              <h3>Advantage over the rung below</h3>
            </header>
            <div class="body stack">
              <p>{of.sentence}</p>
              {of.advantage !== null && (
                <>
                  <p class="big">
                    {signedPercent(of.advantage.mean)}
                    <span class="unit"> cost saved per request</span>
                  </p>
                  <Interval {...of.advantage} />
                  <p class="dim">
                    With 95 % confidence between {signedPercent(of.advantage.low)} and{" "}
                    {signedPercent(of.advantage.high)}.
                  </p>
                </>
              )}
              <Facts
                of={[
                  ["Rung", `${of.rung.replaceAll("_", " ")}${of.rung_reason === "" ? "" : `: ${of.rung_reason}`}`],
                  ["Serving model", of.champion === null ? "none" : `version ${of.champion}`],
                  ["Under trial", of.canary === null ? "none" : `version ${of.canary}`],
                  ["Table", of.table_age_ms === null ? "none" : `${Math.round(of.table_age_ms)} ms old`],
                  ["Traffic", strategy === undefined ? "–" : count(strategy.rps, "/s")],
                  [
                    "Last verdict",
                    of.last_verdict === null ? (
                      "none"
                    ) : (
                      <>
                        {of.last_verdict.message} · <Time ms={of.last_verdict.at} />
                      </>
                    ),
                  ],
                ]}
              />
            </div>
          </div>
          <Verdicts pool={of.pool} />
        </div>
        <div class="column">
          <div class="card">
            <header>
              <h3>Arms</h3>
              <p class="end dim">who places requests, and how well</p>
            </header>
            <div class="body">
              <Arms arms={of.arms} several={several} />
            </div>
          </div>
          <div class="card">
            <header>
              <h3>Predicted against what came</h3>
              <p class="end dim">a point for each server; on the line = right</p>
            </header>
            <div class="body">
              <Pairs rows={rows} />
            </div>
          </div>
        </div>
      </div>
      <Models pool={of.pool} champion={of.champion} />
    </section>
  );
}

const ARMS: Readonly<Record<LiveArm["arm"], string>> = {
  champion: "the policy that serves",
  control: "the rung below, to compare with",
  canary: "a model under trial",
  probe: "looks after servers that were not heard of",
};

function Arms({ arms, several }: { readonly arms: readonly LiveArm[]; readonly several: boolean }) {
  const total = arms.reduce((sum, { rps }) => sum + rps, 0);
  const columns: readonly Column<LiveArm>[] = [
    {
      title: "Arm",
      kind: "head",
      cell: ({ arm }) => (
        <>
          {arm} <span class="dim">{ARMS[arm]}</span>
        </>
      ),
    },
    { title: "Meant", kind: "number", cell: ({ share }) => (share === null ? "the rest" : percent(share)) },
    {
      title: several ? "Gets, all pools" : "Gets",
      kind: "number",
      cell: ({ rps }) => (total === 0 ? "–" : percent(rps / total)),
    },
    { title: "Cost", kind: "number", cell: ({ cost }) => (cost === null ? "–" : digits(cost)) },
  ];
  return <Table columns={columns} rows={arms} keyOf={({ arm }) => arm} plain />;
}
