/** The instance itself: settings, certificates, listeners, its configuration, and what a supporter wants to have. */
import type { SettingsAnswer, SettingView } from "../../api/shapes.ts";
import { useAsked } from "../../app/asked.ts";
import { propose } from "../../app/changing/plan.ts";
import { inputOf, wantedValue } from "../../model/setting-input.ts";
import { Empty } from "../../widgets/text.tsx";
import { Certificates } from "./certificates.tsx";
import { ClusterCard } from "./cluster.tsx";
import { Configuration } from "./configuration.tsx";
import { InstanceFacts } from "./instance-facts.tsx";
import { SettingTable } from "./setting-table.tsx";

/** The view. */
export function Settings() {
  const { body, error } = useAsked<SettingsAnswer>("/api/v1/settings");
  return (
    <>
      <h1>Settings</h1>
      <div class="two">
        <InstanceFacts />
        <Configuration />
      </div>
      <ClusterCard />
      <Certificates />
      <section class="card" aria-labelledby="settings">
        <header>
          <h2 id="settings">Settings of the instance</h2>
          <p class="end dim">pools have their own under Pools & routes → Options</p>
        </header>
        <div class="body">
          {body === null ? (
            <Empty>{error ?? "Asking…"}</Empty>
          ) : (
            <SettingTable settings={body.settings} onChange={change} />
          )}
        </div>
      </section>
    </>
  );
}

function change(setting: SettingView): void {
  const request = (value: string | null) => ({
    method: "PATCH" as const,
    path: "/api/v1/settings",
    body: { [setting.name]: value },
  });
  propose({
    title: setting.name,
    lead: setting.description,
    subject: "/api/v1/settings",
    fields: [inputOf(setting)],
    request: ({ value }) => request(wantedValue(value)),
    confirm: "Change",
    done: ({ value }) => (value === "" ? `${setting.name} is as configured.` : `${setting.name} is ${value}.`),
    undo: () => request(setting.override === null ? null : setting.value),
  });
}
