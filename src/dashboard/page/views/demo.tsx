/** Buttons that make trouble; only where the instance is a demo's. */
import { useState } from "preact/hooks";
import type { DemoOrder, DemoState, DemoTrouble } from "../../../shared/live/demo.ts";
import { sentenceOf } from "../api/problem.ts";
import { useAsked } from "../app/asked.ts";
import { api } from "../app/live.ts";
import type { Tone } from "../model/words.ts";
import { Icon } from "../widgets/icon.tsx";
import { Badge } from "../widgets/text.tsx";
import { say } from "../widgets/toasts.tsx";

const TONES: Readonly<Record<DemoState["servers"][number]["condition"], Tone>> = {
  well: "ok",
  slow: "warn",
  frozen: "bad",
  dead: "bad",
};
const TROUBLES: readonly (readonly [DemoTrouble, string])[] = [
  ["slow", "Slow"],
  ["freeze", "Freeze"],
  ["kill", "Kill"],
];
const PATH = "/api/v1/demo";
const EVERY_MS = 2_000;

/** A panel in the corner. */
export function Demo() {
  const { body, again } = useAsked<DemoState>(PATH, EVERY_MS);
  const [open, setOpen] = useState(matchMedia("(min-width: 1020px)").matches);
  if (body === null) return null;
  const order = async (what: DemoOrder) => {
    try {
      await api.change("POST", PATH, what);
      again();
    } catch (error) {
      say("bad", sentenceOf(error));
    }
  };
  return (
    <aside class="demo card" aria-labelledby="demo">
      <button type="button" class="demo-head" aria-expanded={open} onClick={() => setOpen(!open)}>
        <Icon name="flask" />
        <span id="demo">Make trouble</span>
        <span class="dim end">demo</span>
      </button>
      {open && (
        <div class="body stack">
          <ul class="stack">
            {body.servers.map(({ name, url, condition }) => (
              <li key={name} class="demo-row">
                <span class="clip" title={url}>
                  {name} <span class="dim">:{new URL(url).port}</span>
                </span>
                <Badge tone={TONES[condition]}>{condition}</Badge>
                <span class="row">
                  {condition === "well" ? (
                    TROUBLES.map(([trouble, word]) => (
                      <button
                        key={trouble}
                        type="button"
                        class="button small"
                        aria-label={`${word} ${name}`}
                        onClick={() => void order({ server: name, trouble })}
                      >
                        {word}
                      </button>
                    ))
                  ) : (
                    <button
                      type="button"
                      class="button small primary"
                      aria-label={`Heal ${name}`}
                      onClick={() => void order({ server: name, trouble: "heal" })}
                    >
                      Heal
                    </button>
                  )}
                </span>
              </li>
            ))}
          </ul>
          <label class="row">
            <span class="label">Traffic</span>
            <select
              class="input rate"
              value={String(body.rate)}
              onChange={(event) => void order({ rate: Number(event.currentTarget.value) })}
            >
              {body.rates.map((rate) => (
                <option key={rate} value={String(rate)}>
                  {rate} requests/s
                </option>
              ))}
            </select>
          </label>
        </div>
      )}
    </aside>
  );
}
