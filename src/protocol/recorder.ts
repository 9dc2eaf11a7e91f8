/** What the supervisor and the recorder tell each other over the IPC channel. Messages are JSON. */
import type { GivenTo } from "../config/given.ts";
import type { StoreLocation } from "../storage/backends.ts";
import type { EventRow, HistoryLimits, ServerRow } from "../storage/history-store.ts";
import type { RecordedNames } from "./recorded-names.ts";

/** The settings of the recorder; a frozen, JSON-safe extract of the configuration. */
export interface RecorderSettings extends GivenTo<"recorder"> {
  readonly store: StoreLocation;
  readonly limits: HistoryLimits;
}

/** What the recorder is started with. */
export interface RecorderStart {
  readonly type: "start";
  readonly memoryPath: string;
  readonly logFormat: "json" | "text";
  readonly logLevel: string;
  readonly settings: RecorderSettings;
  readonly names: RecordedNames;
}

/** What the supervisor tells the recorder. */
export type ToRecorder =
  | RecorderStart
  /** Servers, pools or routes came or went. */
  | { readonly type: "names"; readonly names: RecordedNames }
  /** Something happened. `number` is the last one's: they are numbered as they come, from 1 on, and told again to a successor. */
  | { readonly type: "events"; readonly number: number; readonly events: readonly EventRow[] }
  /** SIGHUP: how it writes its log from now on. */
  | { readonly type: "log"; readonly level: string; readonly format: "json" | "text" }
  /** Write what is left, and exit with 0. */
  | { readonly type: "drain" };

/** What the recorder tells the supervisor. */
export type FromRecorder =
  /** It reads the rings from now on. */
  | { readonly type: "ready" }
  /** It cannot start: a sentence for the operator. It exits with 1. */
  | { readonly type: "failed"; readonly message: string }
  /** Events up to this number are in the store: nobody needs to tell of them again. */
  | { readonly type: "kept"; readonly number: number }
  /**
   * What the store's `servers` table says: after start, after each change of the servers, and when somebody changed it.
   * `undone` are overrides that the configuration has overruled, as they were; the supervisor says so.
   */
  | { readonly type: "servers"; readonly rows: readonly ServerRow[]; readonly undone: readonly ServerRow[] };
