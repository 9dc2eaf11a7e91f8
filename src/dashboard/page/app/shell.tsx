/** The frame around the views. */
import type { FunctionComponent } from "preact";
import { useEffect } from "preact/hooks";
import { Changes } from "../views/changes/changes.tsx";
import { Demo } from "../views/demo.tsx";
import { Learning } from "../views/learning/learning.tsx";
import { Overview } from "../views/overview/overview.tsx";
import { Requests } from "../views/requests/requests.tsx";
import { Routes } from "../views/routes/routes.tsx";
import { ServerPanel } from "../views/servers/panel.tsx";
import { Servers } from "../views/servers/servers.tsx";
import { Settings } from "../views/settings/settings.tsx";
import { TimelineView } from "../views/timeline.tsx";
import { isDialogOpen } from "../widgets/dialog.tsx";
import { Empty } from "../widgets/text.tsx";
import { Toasts } from "../widgets/toasts.tsx";
import { Bar } from "./bar.tsx";
import { ChangeDialog } from "./changing/change-dialog.tsx";
import { connection, frame, topology } from "./live.ts";
import { Navigation, TITLES } from "./navigation.tsx";
import { Notices } from "./notices.tsx";
import { place } from "./place.ts";
import type { ViewName } from "./router.ts";
import { asksForToken } from "./session.ts";
import { SignIn } from "./sign-in.tsx";

const PAGES: Readonly<Record<ViewName, FunctionComponent>> = {
  overview: Overview,
  servers: Servers,
  routes: Routes,
  learning: Learning,
  timeline: TimelineView,
  requests: Requests,
  changes: Changes,
  settings: Settings,
};

/** Everything that is seen. */
export function Shell() {
  const { view } = place.value;
  const View = PAGES[view];
  const name = topology.value?.instance.name;
  useEffect(() => {
    document.title = `${TITLES[view]} · ${name ?? "NeuraBalancer"}`;
  }, [view, name]);
  const known = frame.value !== null && topology.value !== null;
  return (
    <div class={`shell ${connection.value.state === "lost" ? "stale" : ""}`}>
      <button type="button" class="skip" onClick={() => document.querySelector<HTMLElement>("main")?.focus()}>
        Skip to the content
      </button>
      <Bar />
      <Navigation />
      <div class="content">
        <Notices />
        <main class="main" tabIndex={-1}>
          {known ? <View /> : <Waiting />}
        </main>
      </div>
      <ServerPanel />
      <ChangeDialog />
      <SignIn />
      <Toasts shown={!isDialogOpen.value} />
      {topology.value?.instance.demo === true && <Demo />}
    </div>
  );
}

function Waiting() {
  if (asksForToken.value !== null) return <Empty>Sign in to see this instance.</Empty>;
  return (
    <Empty>{connection.value.state === "lost" ? "There are no numbers yet." : "Waiting for the first numbers…"}</Empty>
  );
}
