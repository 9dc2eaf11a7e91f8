/** What was changed at run time: what of it is in force over the configuration, and who did what, why. */
import { place, setQuery } from "../../app/place.ts";
import { Segments } from "../../widgets/controls.tsx";
import { Audit } from "./audit.tsx";
import { Overrides } from "./overrides.tsx";

const TABS = [
  ["overrides", "Overrides"],
  ["audit", "Audit"],
] as const;

/** The view. */
export function Changes() {
  const tab = place.value.query.tab === "audit" ? "audit" : "overrides";
  return (
    <>
      <div class="head">
        <h1>Changes</h1>
        <div class="end">
          <Segments label="Shown" options={TABS} value={tab} onChange={(next) => setQuery({ tab: next })} />
        </div>
      </div>
      {tab === "audit" ? <Audit /> : <Overrides />}
    </>
  );
}
