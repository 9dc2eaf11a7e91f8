/** What follows from a configuration for the parts of an instance. */
import type { Endpoint, NamedAddress } from "../../../protocol/endpoint.ts";
import type { ProxySettings } from "../../../protocol/worker.ts";
import { learnedPools } from "../../processes/learner/learned-pools.ts";

/** Is any pool learned of? */
export function learns(settings: ProxySettings): boolean {
  return learnedPools(settings).length > 0;
}

/** The numbers of routes, by name. */
export function numbersOf({ routes }: ProxySettings): ReadonlyMap<string, number> {
  return new Map(routes.map(({ name, number }) => [name, number]));
}

/** Servers as processes that learn and record know them. */
export function named(endpoints: readonly Endpoint[]): NamedAddress[] {
  return endpoints.map(({ id, url, address }) => ({ id, url, address }));
}
