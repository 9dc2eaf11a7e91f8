/** Settings that a reload cannot change: sockets, which clients hold on to. Their declarations say so (`restart`). */
import { isDeepStrictEqual } from "node:util";
import { ALL_SETTINGS, SECTIONS, type Sections } from "../../config/schema.ts";
import type { Section } from "../../config/setting.ts";
import type { ListenerSpec, ProxySettings } from "../../protocol/worker.ts";
import { namedListeners } from "./listening.ts";

/** The new settings with what needs a restart left as it was, and the names of what that is. */
export interface PinnedSettings {
  readonly settings: ProxySettings;
  readonly needRestart: string[];
}

/** Those that workers are given as they are declared. */
const PINNED = ALL_SETTINGS.flatMap(({ setting: { env, restart, givenTo } }) =>
  restart && givenTo?.worker !== undefined ? [{ env, name: givenTo.worker as keyof ProxySettings }] : [],
);

const OF_LISTENERS = [SECTIONS.app.settings.host.env, SECTIONS.app.settings.port.env, SECTIONS.tls.settings.port.env];

function areOfFile(settings: ProxySettings): boolean {
  return namedListeners(settings).some(({ portSetting }) => !OF_LISTENERS.includes(portSetting));
}

/** `running` with what else `wanted` says of them; `null` = it wants other sockets. */
function withTheSameSockets(
  running: readonly ListenerSpec[],
  wanted: readonly ListenerSpec[],
): readonly ListenerSpec[] | null {
  const isSame = (one: ListenerSpec, other: ListenerSpec): boolean =>
    one.host === other.host && one.tls === other.tls && one.port === other.port;
  if (wanted.length !== running.length || !wanted.every((one, index) => isSame(one, running[index]))) return null;
  return wanted;
}

/** Keeps of `running` what only a restart can change, and takes the rest of `wanted`. */
export function pinSettings(running: ProxySettings, wanted: ProxySettings): PinnedSettings {
  const changed = PINNED.filter(({ name }) => wanted[name] !== running[name]);
  const names = new Set(changed.map(({ env }) => env));
  if (wanted.tls?.port !== running.tls?.port) names.add(SECTIONS.tls.settings.port.env);
  const listeners = withTheSameSockets(running.listeners, wanted.listeners);
  if (listeners === null && (areOfFile(wanted) || areOfFile(running))) {
    // The first of them stand for these, which nobody has set then.
    for (const name of OF_LISTENERS) names.delete(name);
    names.add("listeners");
  }
  const needRestart = [...names];
  const tls =
    running.tls !== null && wanted.tls !== null
      ? { ...running.tls, certificates: wanted.tls.certificates }
      : running.tls;
  const kept = Object.fromEntries(changed.map(({ name }) => [name, running[name]]));
  return { settings: { ...wanted, ...kept, listeners: listeners ?? running.listeners, tls }, needRestart };
}

/** Names of the settings of a section that differ and that only a restart can change. */
export function restartsNeeded<N extends keyof Sections>(
  section: N,
  running: Sections[N],
  wanted: Sections[N],
): string[] {
  const { settings }: Section = SECTIONS[section];
  return (Object.keys(running) as (keyof Sections[N] & string)[])
    .filter((key) => settings[key].restart && !isDeepStrictEqual(running[key], wanted[key]))
    .map((key) => settings[key].env);
}
