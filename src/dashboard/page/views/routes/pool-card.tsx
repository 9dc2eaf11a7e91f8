/** One pool: how it fares, by which strategy, and its options. */
import { useState } from "preact/hooks";
import type { LivePool } from "../../../../shared/live/frame.ts";
import type { KnownPool } from "../../../../shared/live/topology.ts";
import type { PoolDetails } from "../../api/shapes.ts";
import { useAsked } from "../../app/asked.ts";
import { frame, recent, topology } from "../../app/live.ts";
import { addressOf } from "../../app/router.ts";
import { Sparkline } from "../../charts/sparkline.tsx";
import { count, latency, UNKNOWN } from "../../model/format/numbers.ts";
import { FINE_SPAN_MS, ofPool, seriesName } from "../../model/recent.ts";
import type { Tone } from "../../model/words.ts";
import { ActButton, Button } from "../../widgets/controls.tsx";
import { Dialog } from "../../widgets/dialog.tsx";
import { Badge, Empty } from "../../widgets/text.tsx";
import { SettingTable } from "../settings/setting-table.tsx";
import { changeOption, switchStrategy } from "./acts.ts";

/** What is said of holding, where limits are learned. */
const HOLDING: Readonly<Record<string, readonly [tone: Tone, word: string, sentence: string]>> = {
  learning: ["idle", "learning limits", "No request is held yet."],
  holding: ["info", "holding", "Requests wait here while all servers are busy."],
  stopped: ["warn", "not holding", "Requests fared worse when they were held."],
  stale: ["warn", "not holding", "The learner is silent, and its limits are not believed."],
};

/** A card. */
export function PoolCard({ pool, live }: { readonly pool: KnownPool; readonly live: LivePool | undefined }) {
  const [options, setOptions] = useState(false);
  const strategy = topology.value!.strategies.find(({ name }) => name === pool.strategy);
  const { values } = recent.read([seriesName(ofPool(pool.name), "rps")], frame.value!.at, FINE_SPAN_MS);
  return (
    <li class="card">
      <header>
        <h3 class="clip">{pool.name}</h3>
        <span class="end">
          <PoolState pool={pool} live={live} />
        </span>
      </header>
      <div class="body stack">
        <p>
          <strong>{pool.strategy}</strong>
          {live?.rung && <span class="dim"> · placed by the {live.rung.replaceAll("_", " ")}</span>}
          {strategy !== undefined && <span class="dim"> · {strategy.description}</span>}
        </p>
        {live !== undefined && (
          <>
            <Holding state={live.holding} />
            <dl class="tiny">
              <div>
                <dt>rate</dt>
                <dd>{count(live.rps, "/s")}</dd>
              </div>
              <div>
                <dt>p50</dt>
                <dd>{latency(live.p50)}</dd>
              </div>
              <div>
                <dt>p99</dt>
                <dd>{latency(live.p99)}</dd>
              </div>
              <div class={live.s5xx > 0 ? "bad" : ""}>
                <dt>5xx</dt>
                <dd>{count(live.s5xx, "/s")}</dd>
              </div>
              <div>
                <dt>in flight</dt>
                <dd>{live.in_flight}</dd>
              </div>
              <div
                class={live.queued > live.held ? "bad" : ""}
                title="Requests in the queue; red: some wait for more than a learned limit"
              >
                <dt>waiting</dt>
                <dd>{live.queued}</dd>
              </div>
              <div title="Of those that wait: held because all servers are at their learned limits">
                <dt>held</dt>
                <dd>{live.holding === "off" ? UNKNOWN : live.held}</dd>
              </div>
              <div class={live.usable === 0 ? "bad" : ""}>
                <dt>usable</dt>
                <dd>
                  {live.usable} / {live.total}
                </dd>
              </div>
            </dl>
            <Sparkline values={values[0]} />
          </>
        )}
        <div class="row acts">
          <ActButton onPress={() => switchStrategy(pool.name, pool.strategy)}>Switch strategy</ActButton>
          <Button onPress={() => setOptions(true)}>Options</Button>
          <a class="button quiet" href={addressOf("servers", "", { words: pool.name })}>
            Servers
          </a>
        </div>
      </div>
      {options && <PoolOptions name={pool.name} onClose={() => setOptions(false)} />}
    </li>
  );
}

function Holding({ state }: { readonly state: string }) {
  const said = HOLDING[state];
  if (said === undefined) return null;
  const [tone, word, sentence] = said;
  return (
    <p class="dim">
      <Badge tone={tone}>{word}</Badge> {sentence}
    </p>
  );
}

function PoolState({ pool, live }: { readonly pool: KnownPool; readonly live: LivePool | undefined }) {
  if (live !== undefined && live.total > 0 && live.usable === 0) return <Badge tone="bad">no server</Badge>;
  if (live?.panic) return <Badge tone="bad">panic</Badge>;
  if (!pool.in_use)
    return (
      <Badge tone="idle" title="No route leads here.">
        not in use
      </Badge>
    );
  return live !== undefined && live.usable < live.total ? (
    <Badge tone="warn">{live.total - live.usable} out</Badge>
  ) : (
    <Badge tone="ok">well</Badge>
  );
}

function PoolOptions({ name, onClose }: { readonly name: string; readonly onClose: () => void }) {
  const { body, error } = useAsked<PoolDetails>(`/api/v1/pools/${encodeURIComponent(name)}`);
  return (
    <Dialog title={`Options of pool ${name}`} kind="wide" onClose={onClose}>
      <div class="body">
        {error !== null && <p class="error">{error}</p>}
        {body?.options === undefined ? (
          <Empty>{error === null ? "Asking…" : "There is nothing to show."}</Empty>
        ) : (
          <SettingTable settings={body.options} onChange={(option) => changeOption(name, option)} />
        )}
      </div>
    </Dialog>
  );
}
