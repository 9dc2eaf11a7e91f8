/** Settings with what is in force, where that comes from, and a way to change those that may be. */
import { useMemo, useState } from "preact/hooks";
import type { SettingView } from "../../api/shapes.ts";
import { ActButton, Filter } from "../../widgets/controls.tsx";
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
        <div class="scroll">
          <table class="table settings">
            <thead>
              <tr>
                <th scope="col">Setting</th>
                <th scope="col">Value</th>
                <th scope="col">Comes from</th>
                <th scope="col">
                  <span class="hidden">Acts</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {found.map((setting) => (
                <tr key={setting.name}>
                  <th scope="row" class="wrap">
                    <code>{setting.name}</code>
                    <p class="dim about">{setting.description}</p>
                  </th>
                  <td class="wrap">
                    <code>{setting.value ?? "unset"}</code>
                    {setting.unit !== null && setting.value !== null && <span class="unit"> {setting.unit}</span>}
                    {setting.override !== null && <p class="dim">configured: {setting.configured ?? "unset"}</p>}
                  </td>
                  <td>{setting.override === null ? setting.origin : <Badge tone="accent">override</Badge>}</td>
                  <td class="num">
                    <ActButton
                      class="small"
                      label={`Change ${setting.name}`}
                      disabled={
                        setting.changeable
                          ? null
                          : `${setting.name} ${setting.why_not ?? "cannot be changed at run time"}`
                      }
                      onPress={() => props.onChange(setting)}
                    >
                      Change
                    </ActButton>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </div>
  );
}
