/** Settings with what is in force, where that comes from, and a way to change those that may be. */
import { useMemo, useState } from "preact/hooks";
import type { SettingView } from "../../api/shapes.ts";
import { ActButton, Filter } from "../../widgets/controls.tsx";
import { type Column, Table } from "../../widgets/table.tsx";
import { Badge, Empty } from "../../widgets/text.tsx";

/** A table that can be narrowed. */
export function SettingTable(props: {
  readonly settings: readonly SettingView[];
  readonly onChange: (setting: SettingView) => void;
}) {
  const [words, setWords] = useState("");
  const [all, setAll] = useState(false);
  const found = useMemo(() => {
    const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
    return props.settings.filter((setting) => {
      const text = `${setting.name} ${setting.key ?? ""} ${setting.description} ${setting.section}`.toLowerCase();
      return (all || setting.changeable) && wanted.every((word) => text.includes(word));
    });
  }, [props.settings, words, all]);
  return (
    <div class="stack">
      <div class="row">
        <Filter label="Filter settings" value={words} onInput={setWords} />
        <label class="row">
          <input type="checkbox" checked={all} onChange={(event) => setAll(event.currentTarget.checked)} />
          also those that need a restart
        </label>
      </div>
      {found.length === 0 ? (
        <Empty>No setting has these words.</Empty>
      ) : (
        <Table columns={columnsFor(props.onChange)} rows={found} keyOf={({ name }) => name} plain />
      )}
    </div>
  );
}

function columnsFor(onChange: (setting: SettingView) => void): readonly Column<SettingView>[] {
  return [
    {
      title: "Setting",
      kind: "head",
      cell: ({ name, description }) => (
        <>
          <code>{name}</code>
          <p class="dim about">{description}</p>
        </>
      ),
    },
    {
      title: "Value",
      kind: "long",
      cell: ({ value, unit, override, configured }) => (
        <>
          <code>{value ?? "unset"}</code>
          {unit !== null && value !== null && <span class="unit"> {unit}</span>}
          {override !== null && <p class="dim">configured: {configured ?? "unset"}</p>}
        </>
      ),
    },
    {
      title: "Comes from",
      cell: ({ override, origin }) => (override === null ? origin : <Badge tone="accent">override</Badge>),
    },
    {
      title: "Acts",
      kind: "acts",
      cell: (setting) => (
        <ActButton
          class="small"
          label={`Change ${setting.name}`}
          disabled={setting.changeable ? null : `${setting.name} ${setting.why_not ?? "cannot be changed at run time"}`}
          onPress={() => onChange(setting)}
        >
          Change
        </ActButton>
      ),
    },
  ];
}
