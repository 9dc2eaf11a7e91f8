/** What ids and numbers in records of workers mean, for the processes that read them. */
import type { Endpoint } from "./endpoint.ts";

/** A server by the id that records name it by. */
export interface RecordedServer extends Pick<Endpoint, "id" | "slot" | "url" | "hostname" | "address" | "port"> {
  /** Name of its pool. */
  readonly pool: string;
  /** As configured, without any override of the store's. */
  readonly weight: number;
  readonly capacity: number;
  /** It is configured (and discovered) now; one that is not is named as long as its requests may be told of. */
  readonly present: boolean;
}

/** What numbers in records mean. Ids and numbers that were told once keep their meaning for the whole run. */
export interface RecordedNames {
  readonly servers: readonly RecordedServer[];
  readonly pools: readonly { readonly row: number; readonly name: string }[];
  readonly routes: readonly { readonly number: number; readonly name: string }[];
}
