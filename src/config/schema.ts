/**
 * Every setting there is. Parsing, `neurabalancer check`, `.env.example` and the documentation's tables are made from
 * this one description.
 */
import { acme } from "./sections/acme.ts";
import { admin, commands } from "./sections/admin.ts";
import { cluster } from "./sections/cluster.ts";
import { explain } from "./sections/explain.ts";
import * as fleet from "./sections/fleet.ts";
import { database, history } from "./sections/history.ts";
import { kubernetes } from "./sections/kubernetes.ts";
import { ml, modelService } from "./sections/learning.ts";
import * as processSections from "./sections/process.ts";
import { redis } from "./sections/redis.ts";
import { storage } from "./sections/storage.ts";
import { otlp, otlpTraces, tracing } from "./sections/tracing.ts";
import * as traffic from "./sections/traffic.ts";
import type { Section, SectionValues, Setting } from "./setting.ts";

const { configuration, app, log, tls } = processSections;
const { servers, dns, balancing, health, metricsPoll, outlier } = fleet;
const { clients, timeouts, limits, rateLimits, retry, queue, sticky, upstream } = traffic;

/** The sections, in the order in which they are shown. */
export const SECTIONS = {
  servers,
  dns,
  kubernetes,
  balancing,
  ml,
  app,
  log,
  tls,
  acme,
  admin,
  clients,
  health,
  metricsPoll,
  outlier,
  timeouts,
  limits,
  retry,
  queue,
  sticky,
  upstream,
  storage,
  redis,
  cluster,
  explain,
  history,
  database,
  tracing,
  otlp,
  otlpTraces,
} as const satisfies Record<string, Section>;

/** What is read by other commands, before the rest, or as a block: documented with it, and known to all as no misspelt names. */
export const OTHER_SECTIONS = { modelService, configuration, commands, rateLimits } as const satisfies Record<
  string,
  Section
>;

/** The values of all settings: times in milliseconds (names end in `Ms`), unset settings `null`. */
export type Sections = SectionValues<typeof SECTIONS>;

/** Prefixes of names that end in `<host>_<port>` of a server. */
export const WEIGHT_PREFIX = "SERVER_WEIGHT_";
export const CAPACITY_PREFIX = "SERVER_CAPACITY_";

/** A setting with its place in a configuration. */
export interface PlacedSetting<Name extends string = keyof Sections> {
  readonly section: Name;
  readonly key: string;
  readonly setting: Setting<unknown>;
}

/** The settings of `sections` in order. */
export function placeSettings<Name extends string>(sections: Readonly<Record<Name, Section>>): PlacedSetting<Name>[] {
  return Object.entries<Section>(sections).flatMap(([section, { settings }]) =>
    Object.entries(settings).map(([key, setting]) => ({ section: section as Name, key, setting })),
  );
}

/** All settings of `serve` in order. */
export const ALL_SETTINGS: readonly PlacedSetting[] = placeSettings<keyof Sections>(SECTIONS);
