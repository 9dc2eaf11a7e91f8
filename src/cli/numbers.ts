/** Numbers on the command line: each function is a parser for commander's options. */
import { InvalidArgumentError } from "commander";
import { parseDecimal } from "../shared/ranges.ts";

/** A number from `low` to `high`. */
export function number(low: number, high: number): (text: string) => number {
  return (text) => {
    const value = parseDecimal(text.trim());
    if (value >= low && value <= high) return value;
    throw new InvalidArgumentError(`Expected a number from ${low} to ${high}.`);
  };
}

/** A whole number from `low` to `high`. */
export function whole(low: number, high: number): (text: string) => number {
  const read = number(low, high);
  return (text) => {
    const value = read(text);
    if (Number.isInteger(value)) return value;
    throw new InvalidArgumentError("Expected a whole number.");
  };
}
