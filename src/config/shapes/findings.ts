/** What values of a file have to do with each other: findings with their places. */
import type { Spot } from "./shape.ts";

/** Problems and warnings about what stands in a file. */
export class ShapeFindings {
  readonly problems: string[] = [];
  readonly warnings: string[] = [];

  problem(spot: Spot, what: string): void {
    this.problems.push(sentence(spot, what));
  }

  warning(spot: Spot, what: string): void {
    this.warnings.push(sentence(spot, what));
  }
}

function sentence({ path, place }: Spot, what: string): string {
  return `${path} (${place}): ${what}`;
}
