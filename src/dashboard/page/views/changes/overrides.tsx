/** Overrides: what is in force instead of what is configured, as a list and as lines for the configuration. */
import { useState } from "preact/hooks";
import { sentenceOf } from "../../api/problem.ts";
import type { ShownOverride } from "../../api/shapes.ts";
import { useAsked } from "../../app/asked.ts";
import { propose } from "../../app/changing/plan.ts";
import { api } from "../../app/live.ts";
import { inWords } from "../../model/change.ts";
import { overrideTarget } from "../../model/overrides.ts";
import { ActButton, Button } from "../../widgets/controls.tsx";
import { Dialog } from "../../widgets/dialog.tsx";
import { Badge, Empty, Time } from "../../widgets/text.tsx";

/** The list. */
export function Overrides() {
  const { body, error } = useAsked<{ overrides: ShownOverride[] }>("/api/v1/overrides", 10_000);
  const [exported, setExported] = useState<string | null>(null);
  const list = body?.overrides ?? [];
  const show = async () => {
    try {
      const response = await api.open("/api/v1/overrides?format=env", { accept: "text/plain" });
      setExported(await response.text());
    } catch (problem) {
      setExported(`# ${sentenceOf(problem)}`);
    }
  };
  return (
    <>
      <div class="row">
        <p class="dim">They last over restarts, and end when the configuration says something else than it did.</p>
        <span class="row end">
          <Button onPress={() => void show()}>Export as .env</Button>
          <ActButton
            class="danger"
            disabled={list.length === 0 ? "There is no override." : null}
            onPress={() => clear(list.length)}
          >
            Remove all
          </ActButton>
        </span>
      </div>
      <section class="card" aria-label="Overrides">
        {error !== null && body === null ? (
          <Empty>{error}</Empty>
        ) : body === null ? (
          <Empty>Asking…</Empty>
        ) : list.length === 0 ? (
          <Empty>Everything is as configured.</Empty>
        ) : (
          <div class="scroll">
            <table class="table">
              <thead>
                <tr>
                  <th scope="col">What</th>
                  <th scope="col">Is</th>
                  <th scope="col">Configured</th>
                  <th scope="col">By</th>
                  <th scope="col">Since</th>
                  <th scope="col">
                    <span class="hidden">Acts</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {list.map((override) => (
                  <Row key={override.id} of={override} />
                ))}
              </tbody>
            </table>
          </div>
        )}
      </section>
      {exported !== null && (
        <Dialog title="Overrides as .env lines" kind="wide" onClose={() => setExported(null)}>
          <div class="body">
            <p>Put these into the configuration, then remove the overrides.</p>
            {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be in reach of the keyboard */}
            <pre class="code" tabIndex={0}>
              {exported === "" ? "# nothing to export" : exported}
            </pre>
          </div>
        </Dialog>
      )}
    </>
  );
}

function Row({ of }: { readonly of: ShownOverride }) {
  const target = overrideTarget(of);
  return (
    <tr>
      <th scope="row" class="wrap">
        {target}
        {of.reason !== "" && <p class="dim about">{of.reason}</p>}
      </th>
      <td>
        <strong>{inWords(of.value)}</strong>
        {of.in_force === false && (
          <Badge tone="idle" title="This instance's configuration is another.">
            not here
          </Badge>
        )}
        {of.kept === false && (
          <Badge tone="warn" title="It ends when this instance is restarted.">
            this run only
          </Badge>
        )}
      </td>
      <td class="dim">{inWords(of.configured)}</td>
      <td>{of.by || "local"}</td>
      <td>
        <Time ms={Date.parse(of.at)} />
        {of.until && (
          <span class="dim">
            {" "}
            until <Time ms={Date.parse(of.until)} />
          </span>
        )}
      </td>
      <td class="num">
        <ActButton class="small" label={`Remove the override of ${target}`} onPress={() => remove(of, target)}>
          Remove
        </ActButton>
      </td>
    </tr>
  );
}

function remove(of: ShownOverride, target: string): void {
  propose({
    title: "Remove an override",
    lead: `${target} is as configured again: ${inWords(of.configured)} instead of ${inWords(of.value)}.`,
    subject: null,
    request: () => ({ method: "DELETE", path: `/api/v1/overrides/${encodeURIComponent(of.id)}`, body: null }),
    confirm: "Remove",
    done: () => `${target} is as configured.`,
    undo: () => null,
  });
}

function clear(count: number): void {
  propose({
    title: "Remove all overrides",
    lead: `All ${count} end, and everything is as configured. Drained servers get requests again, added ones go.`,
    subject: "/api/v1/overrides",
    request: () => ({ method: "DELETE", path: "/api/v1/overrides", body: null }),
    confirm: "Remove all",
    danger: true,
    done: () => "Everything is as configured.",
    undo: () => null,
  });
}
