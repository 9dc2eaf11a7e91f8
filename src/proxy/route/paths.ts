/**
 * The paths of all routes: one tree of segments for each host level, all in one table. A segment costs its hash and one
 * look-up, however many routes there are. Paths are in normal form here.
 */
import { SLASH } from "../http1/char-class.ts";

/** FNV-1a, 32 bits. */
const PRIME = 0x01000193;
/** Spreads the numbers of nodes: 2³² divided by the golden ratio. */
const SPREAD = 0x9e3779b1;

/** A node while the tree is made. */
interface Draft {
  readonly parent: number;
  readonly segment: Uint8Array;
  readonly children: Map<string, number>;
  /** Routes whose exact path ends here. */
  readonly exact: Set<number>;
  /** Routes whose prefix ends here. */
  readonly prefix: Set<number>;
}

/** Adds paths, and then makes a `PathTree` of them. */
export class PathTreeBuilder {
  readonly #nodes: Draft[] = [];

  /** A new tree. @returns its root, where the prefix `/` ends. */
  addRoot(): number {
    return this.#nodes.push(draft(-1, new Uint8Array(0))) - 1;
  }

  /** Adds a path in normal form to a tree. */
  add(root: number, kind: "exact" | "prefix", path: Uint8Array, route: number): void {
    // Of a prefix the slash at its end does not count: `/a/` fits `/a` as well (HTTPRoute, PathPrefix).
    const end = kind === "prefix" && path[path.length - 1] === SLASH ? path.length - 1 : path.length;
    let node = root;
    for (let at = 0; at < end; ) {
      let next = at + 1;
      while (next < end && path[next] !== SLASH) next++;
      node = this.#child(node, path.slice(at + 1, next));
      at = next;
    }
    this.#nodes[node][kind].add(route);
  }

  /** @param compare which of two routes at one node is asked first, as for sorting. */
  build(compare: (a: number, b: number) => number): PathTree {
    return new PathTree(this.#nodes, compare);
  }

  #child(parent: number, segment: Uint8Array): number {
    const key = Buffer.from(segment).toString("latin1");
    const known = this.#nodes[parent].children.get(key);
    if (known !== undefined) return known;
    const node = this.#nodes.push(draft(parent, segment)) - 1;
    this.#nodes[parent].children.set(key, node);
    return node;
  }
}

function draft(parent: number, segment: Uint8Array): Draft {
  return { parent, segment, children: new Map(), exact: new Set(), prefix: new Set() };
}

/** All trees. */
export class PathTree {
  /** The last walk came to the end of the path. */
  whole = false;
  /** Where it ended. */
  end = 0;
  /** Numbers of routes; where a node's are is said by the columns below. */
  readonly routes: Int32Array;
  /** By node: where its routes of an exact path begin, those of a prefix, and where these end. */
  readonly exact: Int32Array;
  readonly prefix: Int32Array;
  readonly prefixEnd: Int32Array;
  /** By node: the nearest one above that has routes of a prefix; -1 = none. */
  readonly up: Int32Array;
  /** By node: how many segments it has below. */
  readonly children: Int32Array;
  readonly #parent: Int32Array;
  readonly #segmentStart: Int32Array;
  readonly #segments: Uint8Array;
  /** Node for a hash of parent and segment; 0 = none, as the first node is a root. Its length is a power of two. */
  readonly #slots: Int32Array;

  constructor(drafts: readonly Draft[], compare: (a: number, b: number) => number) {
    const count = drafts.length;
    const routes: number[] = [];
    this.exact = new Int32Array(count);
    this.prefix = new Int32Array(count);
    this.prefixEnd = new Int32Array(count);
    this.up = new Int32Array(count).fill(-1);
    this.children = Int32Array.from(drafts, ({ children }) => children.size);
    this.#parent = Int32Array.from(drafts, ({ parent }) => parent);
    this.#segmentStart = new Int32Array(count + 1);
    this.#slots = new Int32Array(2 ** Math.ceil(Math.log2(count * 2 + 2)));
    for (const [node, { parent, segment, exact, prefix }] of drafts.entries()) {
      this.exact[node] = routes.length;
      this.prefix[node] = routes.push(...[...exact].sort(compare));
      this.prefixEnd[node] = routes.push(...[...prefix].sort(compare));
      this.#segmentStart[node + 1] = this.#segmentStart[node] + segment.length;
      if (parent >= 0) this.up[node] = this.prefix[parent] < this.prefixEnd[parent] ? parent : this.up[parent];
    }
    this.routes = Int32Array.from(routes);
    this.#segments = new Uint8Array(this.#segmentStart[count]);
    for (const [node, { parent, segment }] of drafts.entries()) {
      this.#segments.set(segment, this.#segmentStart[node]);
      if (parent >= 0) this.#insert(node, parent, segment);
    }
  }

  /**
   * Follows the path `buf[start, end)`, which begins with a slash, as far as there are nodes for it; `whole` and `end` say
   * how far that is.
   * @returns the last node.
   */
  walk(root: number, buf: Uint8Array, start: number, end: number): number {
    let node = root;
    let at = start;
    while (at < end && this.children[node] > 0) {
      let hash = Math.imul(node, SPREAD);
      let next = at + 1;
      for (; next < end; next++) {
        const byte = buf[next];
        if (byte === SLASH) break;
        hash = Math.imul(hash ^ byte, PRIME);
      }
      const child = this.#find(node, hash, buf, at + 1, next);
      if (child === 0) break;
      node = child;
      at = next;
    }
    this.whole = at === end;
    this.end = at;
    return node;
  }

  #find(parent: number, hash: number, buf: Uint8Array, start: number, end: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    for (let at = mixed(hash) & mask; slots[at] !== 0; at = (at + 1) & mask) {
      const node = slots[at];
      if (this.#parent[node] === parent && this.#hasSegment(node, buf, start, end)) return node;
    }
    return 0;
  }

  #hasSegment(node: number, buf: Uint8Array, start: number, end: number): boolean {
    const from = this.#segmentStart[node];
    const length = this.#segmentStart[node + 1] - from;
    if (end - start !== length) return false;
    for (let i = 0; i < length; i++) if (buf[start + i] !== this.#segments[from + i]) return false;
    return true;
  }

  #insert(node: number, parent: number, segment: Uint8Array): void {
    let hash = Math.imul(parent, SPREAD);
    for (const byte of segment) hash = Math.imul(hash ^ byte, PRIME);
    const mask = this.#slots.length - 1;
    let at = mixed(hash) & mask;
    while (this.#slots[at] !== 0) at = (at + 1) & mask;
    this.#slots[at] = node;
  }
}

/** The high bits of a product are better than its low ones. */
function mixed(hash: number): number {
  return hash ^ (hash >>> 15);
}
