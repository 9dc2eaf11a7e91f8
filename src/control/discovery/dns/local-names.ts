/** What this machine itself says of names: the addresses in /etc/hosts, and where resolv.conf has short names looked for. */
import { readFileSync, statSync } from "node:fs";
import { isIP } from "node:net";

/** More labels than this minus one, and a name is tried as it stands first (resolv.conf(5)). */
const DEFAULT_NDOTS = 1;

interface Search {
  readonly domains: readonly string[];
  readonly ndots: number;
}

/** A file, parsed again when it has changed; empty when it cannot be read. */
class ParsedFile<T> {
  readonly #path: string;
  readonly #parse: (text: string) => T;
  #stamp = "";
  #value: T;

  constructor(path: string, parse: (text: string) => T) {
    this.#path = path;
    this.#parse = parse;
    this.#value = parse("");
  }

  get value(): T {
    try {
      const { mtimeMs, size, ino } = statSync(this.#path);
      const stamp = `${mtimeMs} ${size} ${ino}`;
      if (stamp !== this.#stamp) {
        this.#value = this.#parse(readFileSync(this.#path, "utf8"));
        this.#stamp = stamp;
      }
    } catch {
      this.#stamp = "";
      this.#value = this.#parse("");
    }
    return this.#value;
  }
}

export class LocalNames {
  readonly #hosts: ParsedFile<ReadonlyMap<string, readonly string[]>>;
  readonly #search: ParsedFile<Search>;

  constructor(hostsPath = "/etc/hosts", resolverPath = "/etc/resolv.conf") {
    this.#hosts = new ParsedFile(hostsPath, parseHosts);
    this.#search = new ParsedFile(resolverPath, parseSearch);
  }

  /** The addresses of a name in /etc/hosts. */
  addressesOf(name: string): readonly string[] {
    return this.#hosts.value.get(name.toLowerCase()) ?? [];
  }

  /** The names to ask a DNS server for, in this order, when a person wrote `name`. */
  candidates(name: string): readonly string[] {
    const { domains, ndots } = this.#search.value;
    const searched = domains.map((domain) => `${name}.${domain}`);
    return name.split(".").length > ndots ? [name, ...searched] : [...searched, name];
  }
}

function parseHosts(text: string): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const line of text.split("\n")) {
    const [address, ...names] = line.replace(/#.*/, "").trim().split(/\s+/);
    if (isIP(address) === 0) continue;
    for (const name of names) {
      const key = name.toLowerCase();
      const known = found.get(key);
      if (known === undefined) found.set(key, [address]);
      else if (!known.includes(address)) known.push(address);
    }
  }
  return found;
}

function parseSearch(text: string): Search {
  let domains: readonly string[] = [];
  let ndots = DEFAULT_NDOTS;
  for (const line of text.split("\n")) {
    const [keyword, ...values] = line.trim().split(/\s+/);
    // The last of them counts; "." is the root: nothing to add.
    if (keyword === "search" || keyword === "domain") {
      domains = values.map((domain) => domain.replace(/\.$/, "")).filter((domain) => domain !== "");
    } else if (keyword === "options") {
      const told = values.map((value) => /^ndots:(\d+)$/.exec(value)?.[1]).find((value) => value !== undefined);
      if (told !== undefined) ndots = Math.min(Number(told), 15);
    }
  }
  return { domains, ndots };
}
