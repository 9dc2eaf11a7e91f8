/** Overrides: what is in force instead of what is configured, as a list and as lines for the configuration. */
import { useState } from "preact/hooks";
import { sentenceOf } from "../../api/problem.ts";
import type { ServerDetails, ShownOverride } from "../../api/shapes.ts";
import { useAsked } from "../../app/asked.ts";
import { type ChangePlan, propose } from "../../app/changing/plan.ts";
import { api } from "../../app/live.ts";
import { inWords } from "../../model/change.ts";
import { hostAndPort, overrideTarget, overrideValue, settingAgain } from "../../model/overrides.ts";
import { ActButton, Button } from "../../widgets/controls.tsx";
import { Dialog } from "../../widgets/dialog.tsx";
import { type Column, Table } from "../../widgets/table.tsx";
import { Badge, Empty, Time } from "../../widgets/text.tsx";

/** The list. */
export function Overrides() {
  const { body, error } = useAsked<{ overrides: ShownOverride[]; shared?: boolean }>("/api/v1/overrides", 10_000);
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
            onPress={() => clear(list)}
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
          <Table columns={columnsOf(body.shared === true)} rows={list} keyOf={({ id }) => id} />
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

const columnsOf = (shared: boolean): readonly Column<ShownOverride>[] => [
  {
    title: "What",
    kind: "head",
    cell: (override) => (
      <>
        {overrideTarget(override)}
        {override.reason !== "" && <p class="dim about">{override.reason}</p>}
      </>
    ),
  },
  { title: "Is", kind: "long", cell: (override) => <Present of={override} shared={shared} /> },
  { title: "Configured", kind: "long", cell: ({ configured }) => <span class="dim">{inWords(configured)}</span> },
  { title: "By", cell: ({ by }) => by || "local" },
  {
    title: "Since",
    kind: "long",
    cell: ({ at, until }) => (
      <>
        <Time ms={Date.parse(at)} />
        {until && (
          <span class="dim">
            {" "}
            until <Time ms={Date.parse(until)} />
          </span>
        )}
      </>
    ),
  },
  {
    title: "Acts",
    kind: "acts",
    cell: (override) => (
      <ActButton
        class="small"
        label={`Remove the override of ${overrideTarget(override)}`}
        onPress={() => remove(override)}
      >
        Remove
      </ActButton>
    ),
  },
];

function Present({ of, shared }: { readonly of: ShownOverride; readonly shared: boolean }) {
  return (
    <>
      <strong>{overrideValue(of)}</strong>{" "}
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
      {shared && isHereOnly(of) && (
        <Badge tone="idle" title="It is of this instance alone.">
          this instance only
        </Badge>
      )}
    </>
  );
}

function isHereOnly({ scope, kept }: ShownOverride): boolean {
  return scope === "instance" && kept !== false;
}

function remove(of: ShownOverride): void {
  const target = overrideTarget(of);
  propose({
    title: "Remove an override",
    lead: `${target} is as configured again: ${inWords(of.configured)} instead of ${overrideValue(of)}.`,
    subject: null,
    request: () => ({
      method: "DELETE",
      path: `/api/v1/overrides/${encodeURIComponent(of.id)}`,
      body: null,
      ...(isHereOnly(of) ? { hereOnly: true } : {}),
    }),
    confirm: "Remove",
    done: () => `${target} is as configured.`,
    ...undoing([of]),
  });
}

function clear(list: readonly ShownOverride[]): void {
  propose({
    title: "Remove all overrides",
    lead: `All ${list.length} end, and everything is as configured. Drained servers get requests again, added ones go.`,
    subject: "/api/v1/overrides",
    request: () => ({ method: "DELETE", path: "/api/v1/overrides", body: null }),
    confirm: "Remove all",
    danger: true,
    done: () => "Everything is as configured.",
    ...undoing(list),
  });
}

function undoing(list: readonly ShownOverride[]): Pick<ChangePlan, "undo" | "final"> {
  const back = settingAgain(list, findServer);
  if (back !== null) return { undo: () => back };
  return { undo: () => null, final: "this page cannot set it again. Export it first." };
}

/** Servers that come back have other ids, so they are looked up when it is undone. */
async function findServer(pool: string, isIt: (name: string, address: string) => boolean): Promise<number | null> {
  const { body } = await api.get<readonly ServerDetails[]>("/api/v1/servers");
  return body.find((one) => one.pool === pool && isIt(hostAndPort(one.url), one.address ?? ""))?.id ?? null;
}
