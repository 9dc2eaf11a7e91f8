/**
 * Where a running instance with these settings may be asked for its health, for a command on the same machine: only the settings that
 * say it are read, and what is wrong elsewhere is not its business.
 */
import type { ListenerSpec } from "../../protocol/worker.ts";
import { readListeners } from "../listeners/listeners.ts";
import { usualListeners } from "../listeners/usual.ts";
import { deepFreeze, readSettings } from "../read-settings.ts";
import { placeSettings } from "../schema.ts";
import { type AdminSettings, admin } from "../sections/admin.ts";
import { app, tls } from "../sections/process.ts";
import { clients } from "../sections/traffic.ts";
import type { SectionValues } from "../setting.ts";
import { ShapeFindings } from "../shapes/findings.ts";
import { readBlocks } from "../sites/blocks.ts";
import { readSources, type SettingsReading, type SettingsSource } from "../sources/source.ts";

const SECTIONS = {
  app: {
    title: app.title,
    settings: { host: app.settings.host, port: app.settings.port, reservedPaths: app.settings.reservedPaths },
  },
  tls: { title: tls.title, settings: { port: tls.settings.port, clientAuth: tls.settings.clientAuth } },
  clients: {
    title: clients.title,
    settings: {
      allow: clients.settings.allow,
      deny: clients.settings.deny,
      allowFile: clients.settings.allowFile,
      denyFile: clients.settings.denyFile,
    },
  },
  admin,
} as const;

/** Where it may be asked, or the sentences that say why nobody knows. */
export type HealthPlaces =
  | {
      readonly ok: true;
      /** Of the public ports one that answers whoever is on this machine; `null` = none does for sure. */
      readonly listener: Pick<ListenerSpec, "host" | "port" | "tls"> | null;
      readonly admin: AdminSettings;
    }
  | { readonly ok: false; readonly problems: readonly string[] };

/** Reads and checks them. */
export function loadHealthPlaces(sources: readonly SettingsSource[]): HealthPlaces {
  const read = readSources(sources);
  const { draft, problems: wrong } = readSettings(placeSettings(SECTIONS), read);
  const problems = [...read.problems, ...wrong];
  const settings = draft as unknown as SectionValues<typeof SECTIONS>;
  const listeners = problems.length > 0 ? [] : listenersOf(read, settings, problems);
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, listener: choose(listeners, settings), admin: deepFreeze(settings.admin) };
}

function listenersOf(
  { blocks, variables }: SettingsReading,
  settings: SectionValues<typeof SECTIONS>,
  problems: string[],
): readonly ListenerSpec[] {
  const listed = blocks?.values.get("listeners");
  if (blocks === null || listed === undefined) return usualListeners(settings);
  const { read, problems: wrong } = readBlocks({ ...blocks, values: new Map([["listeners", listed]]) }, undefined);
  const findings = new ShapeFindings();
  const listeners = read.listeners === undefined ? [] : readListeners(read.listeners, variables, settings, findings);
  problems.push(...wrong, ...findings.problems);
  return listeners;
}

/** Plain HTTP costs least. One that lets in only some clients, or wants certificates, says nothing of health to others. */
function choose(
  listeners: readonly ListenerSpec[],
  { app: { reservedPaths }, tls: { clientAuth }, clients: lists }: SectionValues<typeof SECTIONS>,
): ListenerSpec | null {
  if (!reservedPaths || Object.values(lists).some((list) => list !== null)) return null;
  const open = listeners.filter(({ port, tls: isSecure, clientAuth: own, clients: some }) => {
    return port > 0 && some === undefined && !(isSecure && (own ?? clientAuth) === "require");
  });
  return open.find(({ tls: isSecure }) => !isSecure) ?? open[0] ?? null;
}
