/**
 * Every setting there is. Parsing, `neurabalancer check`, `.env.example` and the documentation's tables are made from
 * this one description.
 */
import * as fleet from "./sections/fleet.ts";
import * as processSections from "./sections/process.ts";
import * as traffic from "./sections/traffic.ts";
import type { Section, Setting, SettingValue } from "./setting.ts";

const { app, log, admin, tls } = processSections;
const { servers, dns, balancing, health, metricsPoll, outlier } = fleet;
const { clients, timeouts, limits, retry, queue, upstream } = traffic;

/** The sections, in the order in which they are shown. */
export const SECTIONS = {
  servers,
  dns,
  balancing,
  app,
  log,
  tls,
  admin,
  clients,
  health,
  metricsPoll,
  outlier,
  timeouts,
  limits,
  retry,
  queue,
  upstream,
} as const satisfies Record<string, Section>;

type Sections = typeof SECTIONS;

/** The configuration: frozen, times in milliseconds (names end in `Ms`), unset settings `null`. */
export type Config = {
  readonly [S in keyof Sections]: {
    readonly [K in keyof Sections[S]["settings"]]: SettingValue<Sections[S]["settings"][K]>;
  };
};

/** Prefixes of names that end in `<host>_<port>` of a server. */
export const WEIGHT_PREFIX = "SERVER_WEIGHT_";
export const CAPACITY_PREFIX = "SERVER_CAPACITY_";

/** A setting with its place in `Config`. */
export interface PlacedSetting {
  readonly section: keyof Config;
  readonly key: string;
  readonly setting: Setting<unknown>;
}

/** All settings in order. */
export const ALL_SETTINGS: readonly PlacedSetting[] = Object.entries(SECTIONS as Record<string, Section>).flatMap(
  ([section, { settings }]) =>
    Object.entries(settings).map(([key, setting]) => ({ section: section as keyof Config, key, setting })),
);
