/** What a line of an access log says, whoever wrote it. */

/**
 * `request`: one that was meant for a server. `local`: answered without one. `down`, `up`: a server's state changed.
 * `other`: no request, as other lines in the file of a log.
 */
export type LineKind = "request" | "local" | "down" | "up" | "other";

/** One line, read; the same object is filled again and again. */
export interface LogLine {
  kind: LineKind;
  /** What HAProxy calls a backend and nginx an upstream; empty = the line does not say. */
  pool: string;
  /** The last server that was asked; empty = none. */
  server: string;
  method: string;
  /** Request target, with its query. */
  target: string;
  /** When it arrived, milliseconds since the epoch. */
  atMs: number;
  /** From there to the last attempt's dispatch. */
  waitMs: number;
  /** From there to the response head, or to the end where the line says no more. */
  latencyMs: number;
  /** The server failed it, or there was none to ask. */
  failed: boolean;
  /** The client was gone before the end: how long it would have taken is not known. */
  abandoned: boolean;
  attempts: number;
}

/** A format of logs. */
export interface LogFormat {
  /** For people: `nginx`. */
  readonly name: string;
  /** Reads a line into `into`. @returns what is wrong with it; `null` = nothing, and `into` is filled. */
  read(line: string, into: LogLine): string | null;
}

/** An empty one, to be filled. */
export function emptyLine(): LogLine {
  return {
    kind: "other",
    pool: "",
    server: "",
    method: "",
    target: "",
    atMs: 0,
    waitMs: 0,
    latencyMs: 0,
    failed: false,
    abandoned: false,
    attempts: 1,
  };
}
