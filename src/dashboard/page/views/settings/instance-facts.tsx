/** What runs here. */

import { sentenceOf } from "../../api/problem.ts";
import { api, frame, topology } from "../../app/live.ts";
import { adviceFor } from "../../model/advice.ts";
import { plural } from "../../model/format/numbers.ts";
import { duration } from "../../model/format/times.ts";
import { ActButton } from "../../widgets/controls.tsx";
import { Facts, Time } from "../../widgets/text.tsx";
import { say } from "../../widgets/toasts.tsx";

/** A card. */
export function InstanceFacts() {
  const { instance, listeners } = topology.value!;
  const now = frame.value!.instance;
  return (
    <section class="card" aria-labelledby="instance">
      <header>
        <h2 id="instance">Instance</h2>
        <span class="end">
          <ActButton class="small" onPress={() => void downloadBundle(instance.name)}>
            Support bundle
          </ActButton>
        </span>
      </header>
      <div class="body">
        <Facts
          of={[
            ["Name", instance.name],
            ["Version", `${instance.version} on ${instance.runtime}`],
            ["Started", <Time ms={instance.started} />],
            ["Runs for", duration(now.uptime_s * 1000)],
            ["Workers ready", `${now.workers_ready} of ${now.workers}`],
            ["Numbers add up over", instance.adds_up_over],
            ["Listens on", listeners.map(({ host, port, tls }) => `${host}:${port}${tls ? " (TLS)" : ""}`).join(", ")],
            ["History", instance.history ? "kept in the store" : "of this run only (HISTORY=off)"],
            [
              "Degraded",
              now.degraded.length === 0
                ? "no"
                : `${plural(now.degraded.length, "mode")}: ${now.degraded.map((mode) => adviceFor(mode).title).join("; ")}`,
            ],
          ]}
        />
      </div>
    </section>
  );
}

/** A link cannot carry the token, so the page fetches it and hands it over as a file. */
async function downloadBundle(name: string): Promise<void> {
  try {
    const response = await api.open("/api/v1/support-bundle", { accept: "application/gzip" });
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await response.blob());
    link.download = `neurabalancer-${name}.tar.gz`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  } catch (error) {
    say("bad", `No bundle. ${sentenceOf(error)}`);
  }
}
