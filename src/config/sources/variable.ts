/** The text of one setting, with where it stands. */

/** One variable that is set. */
export interface Variable {
  /** As in the environment, wherever it stands. */
  readonly name: string;
  readonly value: string;
  /** `environment`, or where in a file: `.env line 3`, `neurabalancer.yaml:5:12`. */
  readonly origin: string;
  /** It stands in a file of this product's own: a name that is no setting is an error there. */
  readonly inFile: boolean;
  /** What its place calls it, when that is another name: `timeouts.connect`. */
  readonly key?: string;
  /** What people are shown instead of the value: what was written, when that names a secret without telling it. */
  readonly shown?: string;
  /** Sentences that say why it has no value. Told when the setting is read: what a command does not read may be wrong. */
  readonly problems?: readonly string[];
  /** A pool's or route's word that it has none, whatever the instance has; `value` is empty. */
  readonly unset?: true;
  /** Its parts, in order, when they stand in places of their own. */
  readonly entries?: readonly Entry[];
}

/** A part of a list. */
export interface Entry {
  readonly origin: string;
  /** Of a server: what is said of it beside its URL. */
  readonly weight?: Variable;
  readonly capacity?: Variable;
  readonly zone?: Variable;
  readonly backup?: Variable;
}

/** A sentence about a variable: its name, where it was set and what is wrong; its value when `shown` gives it. */
export function complain({ name, key = name, origin, entries }: Variable, message: string, shown = ""): string {
  // A complaint about one entry of a list says so at its beginning.
  const entry = entries?.[Number(/^entry (\d+)\b/.exec(message)?.[1]) - 1];
  return `${key}${shown && `=${shown}`} (${entry?.origin ?? origin}): ${message}`;
}

/** A value as an error may show it. */
export function quote(value: string): string {
  return JSON.stringify(value.length > 100 ? `${value.slice(0, 100)}…` : value);
}
