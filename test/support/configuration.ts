/** Shortens what the tests of the configuration have in common. */

import type { Config } from "../../src/config/config.ts";
import { type LoadResult, loadConfig } from "../../src/config/load.ts";
import { environmentSource } from "../../src/config/sources/environment.ts";

export const TWO_SERVERS = "http://backend-1:8001,http://backend-2:8002";

/** Loads `env`, with two servers unless it names others; no file. */
export function load(env: Record<string, string> = {}): LoadResult {
  return loadConfig([environmentSource({ SERVERS: TWO_SERVERS, ...env })]);
}

/** The configuration of `env`; throws its problems. */
export function configOf(env: Record<string, string> = {}): Config {
  const loaded = load(env);
  if (!loaded.ok) throw new Error(loaded.problems.join("\n"));
  return loaded.config;
}

/** The problems of `env`. */
export function problemsOf(env: Record<string, string>): readonly string[] {
  const loaded = load(env);
  return loaded.ok ? [] : loaded.problems;
}

/**
 * Settings of an instance that keeps nothing of its traffic, no recorder, and no learner for samples alone: for tests that are
 * about something else.
 */
export const KEEPS_NOTHING: Readonly<Record<string, string>> = { HISTORY: "off", LEARNING_SAMPLES: "off" };
