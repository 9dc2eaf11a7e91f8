/** The way between the views. */
import { Icon } from "../widgets/icon.tsx";
import { frame, servers } from "./live.ts";
import { place } from "./place.ts";
import { addressOf, type ViewName } from "./router.ts";

/** Their names for people. */
export const TITLES: Readonly<Record<ViewName, string>> = {
  overview: "Overview",
  servers: "Servers",
  routes: "Pools & routes",
  learning: "Learning",
  timeline: "Time line",
  requests: "Requests",
  changes: "Changes",
  settings: "Settings",
};

/** A column on wide screens, a row that scrolls on narrow ones. */
export function Navigation() {
  const { view } = place.value;
  const ill = servers.value.filter(({ state }) => state === "down" || state === "ejected").length;
  return (
    <nav class="nav" aria-label="Views">
      <ul>
        {(Object.keys(TITLES) as ViewName[]).map((name) => (
          <li key={name}>
            <a href={addressOf(name)} aria-current={name === view ? "page" : undefined}>
              <Icon name={name} />
              {TITLES[name]}
              {name === "servers" && frame.value !== null && <Count ill={ill} all={servers.value.length} />}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

function Count({ ill, all }: { readonly ill: number; readonly all: number }) {
  if (ill === 0) return <span class="count">{all}</span>;
  return (
    <span class="count bad" title={`${ill} of ${all} are down or ejected`}>
      {ill}/{all}
    </span>
  );
}
