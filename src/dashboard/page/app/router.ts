/** Addresses within the page: `#/servers/7?sort=p99`. Pure. */

/** The views, in the order of the navigation. */
export const VIEWS = [
  "overview",
  "servers",
  "routes",
  "learning",
  "timeline",
  "requests",
  "changes",
  "settings",
] as const;
/** One of them. */
export type ViewName = (typeof VIEWS)[number];

/** Where the reader is. */
export interface Place {
  readonly view: ViewName;
  /** What of it: a server's id, a request's id; empty = all. */
  readonly item: string;
  readonly query: Readonly<Record<string, string>>;
}

/** What an address means; of an unknown one, the overview. */
export function placeOf(hash: string): Place {
  const [path, search = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  const [first, ...rest] = path.split("/");
  const view = (VIEWS as readonly string[]).includes(first) ? (first as ViewName) : "overview";
  return { view, item: decoded(rest.join("/")), query: Object.fromEntries(new URLSearchParams(search)) };
}

/** The address of a place. */
export function addressOf(view: ViewName, item = "", query: Place["query"] = {}): string {
  const search = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== "")).toString();
  const path = item === "" ? view : `${view}/${encodeURIComponent(item)}`;
  return `#/${path}${search === "" ? "" : `?${search}`}`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
