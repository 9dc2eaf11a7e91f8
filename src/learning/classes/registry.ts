/**
 * Which templates are classes: the heaviest and the most frequent, a bounded number of them. Pure. What clients send can be
 * anything, so:
 *
 * - what comes once, or a few times, never becomes one, however much of it there is (`TemplateSketch`);
 * - a class only gives way to a template that certainly weighs twice as much, so that the table does not flutter;
 * - what a single client asks for takes free places, and those of its own classes; of others' only from a client that has more
 *   than it. So nobody pushes out what everybody uses.
 */
import { CLASSES } from "../../shared/memory/layout/classes.ts";
import { type CountedTemplate, SKETCH_TEMPLATES, TemplateSketch } from "./template-sketch.ts";

/** A template as a worker told of it. */
export interface NamedTemplate {
  readonly hash: number;
  /** Hash of the template with any last segment; 0 = there is none. */
  readonly parent: number;
  /** Number of the route. */
  readonly route: number;
  /** Index into `METHODS`. */
  readonly method: number;
  readonly text: string;
  /** Hash of the address of the client that asked. */
  readonly client: number;
}

/** A template that is a class. */
export interface RequestClass {
  readonly hash: number;
  readonly route: number;
  readonly method: number;
  readonly text: string;
}

/** How quickly weights are forgotten, milliseconds. */
const FORGET_MS = 120_000;
/** A class weighs at least so many mean requests, and that part of all. */
const LEAST_WEIGHT = 20;
const LEAST_SHARE = 1 / 250;
/** And at least so many workers' records say what it is called. */
const LEAST_RECORDS = 8;
/** Who is to give way weighs at most that part of who comes. */
const GIVES_WAY = 0.5;
/** Nobody's in particular: no client makes more than half of its requests. */
const EVERYBODY = 0;
/** A heavy request counts for at most so many. */
const MOST_WEIGHT = 16;

interface Naming extends RequestClass {
  readonly parent: number;
  /** The client that most of the records are of, if it is more than half of them (Boyer & Moore 1981), and its lead. */
  client: number;
  lead: number;
  records: number;
}

interface Entry extends RequestClass {
  /** With forgetting. */
  weight: number;
  /** `EVERYBODY`, or the client whose it is. */
  readonly owner: number;
}

export class ClassRegistry {
  readonly #sketch = new TemplateSketch();
  /** By hash, of templates in the sketch. */
  readonly #names = new Map<number, Naming>();
  readonly #entries: (Entry | undefined)[] = Array.from({ length: CLASSES });
  readonly #numbers = new Map<number, number>();
  #total = 0;
  #fadedMs = Number.NEGATIVE_INFINITY;

  /** The class of that number; `undefined` = there is none. Class 0 is the rest, and no template. */
  at(number: number): RequestClass | undefined {
    return this.#entries[number];
  }

  /** The class of a request, 0 = the rest. */
  numberOf(hash: number, parent: number): number {
    return this.#numbers.get(hash) ?? this.#numbers.get(parent) ?? 0;
  }

  /**
   * A request came.
   * @param work what it cost, in mean requests; NaN = not known.
   */
  count(hash: number, parent: number, work: number): void {
    const weight = Number.isNaN(work) ? 1 : (1 + Math.min(Math.max(work, 0), MOST_WEIGHT)) / 2;
    this.#total += weight;
    const own = this.#numbers.get(hash);
    if (own !== undefined) {
      this.#entries[own]!.weight += weight;
      return;
    }
    this.#sketch.add(hash, parent, weight);
    if (parent === 0) return;
    const shared = this.#numbers.get(parent);
    if (shared === undefined) this.#sketch.add(parent, 0, weight);
    else this.#entries[shared]!.weight += weight;
  }

  /** What a template is called, and who asks for it. Of those that are not counted nothing is kept. */
  name(template: NamedTemplate): void {
    this.#note(template, template.hash, template.parent, template.text);
    if (template.parent !== 0) this.#note(template, template.parent, 0, withAnyEnd(template.text));
  }

  /** Lets classes come and go. @returns numbers of those that are another's, or nobody's, from now on. */
  review(nowMs: number): number[] {
    this.#fade(nowMs);
    const changed: number[] = [];
    const least = Math.max(LEAST_WEIGHT, LEAST_SHARE * this.#total);
    const found = this.#sketch.heaviest(least);
    // A template comes before the one that stands for it and its neighbours, which is for what is left.
    const parents = new Set(found.map(({ parent }) => parent));
    const ordered = [
      ...found.filter(({ hash }) => !parents.has(hash)),
      ...found.filter(({ hash }) => parents.has(hash)),
    ];
    for (const template of ordered) {
      if (template.count - template.error < least) continue; // what it stood for has become a class of its own
      const naming = this.#names.get(template.hash);
      if (naming === undefined || naming.records < LEAST_RECORDS) continue;
      const number = this.#placeFor(template, ownerOf(naming));
      if (number === 0) continue;
      this.#admit(number, template, naming);
      changed.push(number);
    }
    for (const hash of this.#names.keys()) if (this.#sketch.get(hash) === undefined) this.#names.delete(hash);
    return changed;
  }

  #note({ route, method, client }: NamedTemplate, hash: number, parent: number, text: string): void {
    let naming = this.#names.get(hash);
    if (naming === undefined) {
      if (this.#sketch.get(hash) === undefined || this.#names.size >= 2 * SKETCH_TEMPLATES) return;
      naming = { hash, parent, route, method, text, client, lead: 0, records: 0 };
      this.#names.set(hash, naming);
    }
    naming.records++;
    if (naming.client === client) naming.lead++;
    else if (naming.lead > 0) naming.lead--;
    else naming.client = client;
  }

  /** A number for it; 0 = there is none. */
  #placeFor({ count, error }: CountedTemplate, owner: number): number {
    for (let number = 1; number < CLASSES; number++) if (this.#entries[number] === undefined) return number;
    const held = new Map<number, number>();
    for (const entry of this.#entries) if (entry) held.set(entry.owner, (held.get(entry.owner) ?? 0) + 1);
    // One client has more than half of all: what everybody uses need not outweigh it.
    const greedy = [...held].find(([client, classes]) => client !== EVERYBODY && classes > CLASSES / 2)?.[0];
    if (owner === EVERYBODY && greedy !== undefined) return this.#weakest((other) => other === greedy);
    const own = held.get(owner) ?? 0;
    const mayTake = (other: number): boolean =>
      owner === EVERYBODY || other === owner || (other !== EVERYBODY && (held.get(other) ?? 0) > own + 1);
    const weakest = this.#weakest(mayTake);
    return weakest > 0 && this.#entries[weakest]!.weight <= GIVES_WAY * (count - error) ? weakest : 0;
  }

  /** The lightest class of owners that are meant; 0 = there is none. */
  #weakest(isMeant: (owner: number) => boolean): number {
    let weakest = 0;
    for (let number = 1; number < CLASSES; number++) {
      const entry = this.#entries[number];
      if (entry === undefined || !isMeant(entry.owner)) continue;
      if (weakest === 0 || entry.weight < this.#entries[weakest]!.weight) weakest = number;
    }
    return weakest;
  }

  #admit(number: number, template: CountedTemplate, naming: Naming): void {
    const before = this.#entries[number];
    if (before !== undefined) this.#numbers.delete(before.hash);
    const { hash, route, method, text } = naming;
    const weight = template.count - template.error;
    this.#entries[number] = { hash, route, method, text, weight, owner: ownerOf(naming) };
    this.#numbers.set(hash, number);
    this.#sketch.remove(hash);
    this.#names.delete(hash);
    // Of what stood for it and its neighbours, the neighbours are left.
    const parent = this.#sketch.get(naming.parent);
    if (parent !== undefined) parent.count = Math.max(parent.error, parent.count - weight);
  }

  #fade(nowMs: number): void {
    const keep = this.#fadedMs === Number.NEGATIVE_INFINITY ? 1 : Math.exp((this.#fadedMs - nowMs) / FORGET_MS);
    this.#fadedMs = nowMs;
    this.#total *= keep;
    this.#sketch.fade(keep);
    for (const entry of this.#entries) if (entry !== undefined) entry.weight *= keep;
  }
}

/** Whose a template is: a client's, if that makes more than half of its requests. */
function ownerOf({ client, lead, records }: Naming): number {
  return 2 * lead > records ? client || 1 : EVERYBODY;
}

/** `/users/alice` → `/users/*`. */
function withAnyEnd(text: string): string {
  return `${text.slice(0, text.lastIndexOf("/") + 1)}*`;
}
