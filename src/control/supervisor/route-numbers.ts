/**
 * The numbers that workers count the requests of routes under (see series-table.ts), and whose they are. What was counted
 * stays for the whole run, so a number is another route's only when all have been given.
 */
import { FIRST_ROUTE_NUMBER, ROUTE_NUMBERS, ROUTES } from "../../shared/memory/series-table.ts";

/** One instance's. */
export class RouteNumbers {
  /** The route that takes everything, and paths of ours. */
  readonly #numbers = new Map<string, number>([[ROUTES[0], 0]]);
  readonly #names: string[] = [...ROUTES];
  #present: ReadonlySet<string> = new Set();
  #next = FIRST_ROUTE_NUMBER;

  /** Numbers of routes with these names; nothing is taken yet. A name keeps its number over all changes. */
  plan(names: readonly string[]): ReadonlyMap<string, number> {
    let next = this.#next;
    const numbers = new Map<string, number>();
    const gone = [...this.#numbers.keys()].filter((name) => name !== ROUTES[0] && !this.#present.has(name));
    const free = gone.filter((name) => !names.includes(name)).values();
    for (const name of names) {
      let number = this.#numbers.get(name);
      if (number === undefined && next < ROUTE_NUMBERS) number = next++;
      if (number === undefined) {
        const { value, done } = free.next();
        if (done) throw new Error(`routes: there are numbers for ${ROUTE_NUMBERS - FIRST_ROUTE_NUMBER} routes only`);
        number = this.#numbers.get(value)!;
      }
      numbers.set(name, number);
    }
    return numbers;
  }

  /** These are the routes from now on. */
  take(numbers: ReadonlyMap<string, number>): void {
    for (const [name, number] of numbers) {
      const before = this.#names[number];
      if (before !== undefined && before !== name) this.#numbers.delete(before);
      this.#numbers.set(name, number);
      this.#names[number] = name;
      this.#next = Math.max(this.#next, number + 1);
    }
    this.#present = new Set(numbers.keys());
  }

  /** What metrics call it. */
  nameOf(number: number): string {
    return this.#names[number] ?? ROUTES[0];
  }
}
