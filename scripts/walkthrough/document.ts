/**
 * DEMO_WALKTHROUGH.md as steps. A step is a block of commands (```sh) with all that follows it up to the next one or the next
 * heading: the block of output (```text) that a run gave, and comments that readers do not see:
 *
 *   <!-- expect              what the output must be (see expectation.ts)
 *   <!-- expect within 30 s  the same: the commands are run again until it is so
 *   <!-- needs loki -->      is run where that is at hand
 *   <!-- picture FILE        what a person sees at `url:`, with every text of `see:`, where there is what `needs:` says
 */
import { Expectation } from "./expectation.ts";

/** What a step may need beside the processes that are always there. */
export const NEEDS = ["containers", "loki", "collector", "browser", "prometheus-2"] as const;
/** One of `NEEDS`. */
export type Need = (typeof NEEDS)[number];

/** What all steps have. */
interface Common {
  /** The heading above it. */
  readonly title: string;
  /** Of the document, from 1. */
  readonly line: number;
  readonly needs: readonly Need[];
}

/** Commands, and what they print. */
export interface CommandStep extends Common {
  readonly kind: "command";
  readonly commands: string;
  /** What the document shows; `null` = it shows nothing, and only the exit code counts. */
  readonly shown: string | null;
  /** Where that stands in the document. */
  readonly range: readonly [begin: number, end: number] | null;
  readonly expectation: Expectation | null;
  /** How long the commands are run again until it is as expected; 0 = they are run once. */
  readonly withinSeconds: number;
}

/** A page, and the picture of it. */
export interface PictureStep extends Common {
  readonly kind: "picture";
  /** From the repository's root. */
  readonly path: string;
  readonly url: string;
  /** Texts that it shows. */
  readonly sees: readonly string[];
}

/** One step. */
export type Step = CommandStep | PictureStep;

const PART = /^```(\w*)\n([\s\S]*?)^```$|^<!-- ?([\s\S]*?)-->|^(#+) (.+)$/gm;

/** Throws an `Error` with the line of what is not understood. */
export function stepsOf(text: string): Step[] {
  const steps: Step[] = [];
  let title = "";
  let open: CommandStep | null = null;
  const lineAt = (index: number) => text.slice(0, index).split("\n").length;
  const change = (line: number, what: Partial<CommandStep>) => {
    if (open === null) throw new Error(`line ${line}: it belongs to no commands`);
    open = { ...open, ...what };
    steps[steps.length - 1] = open;
  };
  for (const match of text.matchAll(PART)) {
    const [whole, language, body, comment, , heading] = match;
    const line = lineAt(match.index);
    if (heading !== undefined) [title, open] = [heading, null];
    else if (comment !== undefined) {
      const step = pictureOf(comment, title, line);
      if (step !== null) [open] = [null, steps.push(step)];
      else {
        const said = sayingOf(comment, line);
        if (said !== null) change(line, { ...said, needs: [...(open?.needs ?? []), ...(said.needs ?? [])] });
      }
    } else if (language === "sh") {
      const nothing = { needs: [], shown: null, range: null, expectation: null, withinSeconds: 0 };
      open = { kind: "command", title, line, commands: body, ...nothing };
      steps.push(open);
    } else if (language === "text") {
      const begin = match.index + whole.indexOf("\n") + 1;
      change(line, { shown: body, range: [begin, begin + body.length] });
    }
  }
  return steps;
}

function sayingOf(comment: string, line: number): Partial<CommandStep> | null {
  const needs = /^needs (\S+) *$/.exec(comment);
  if (needs !== null) return { needs: [needNamed(needs[1], line)] };
  const expect = /^expect(?: within (\d+) s)? *\n([\s\S]*)$/.exec(comment);
  if (expect === null) return null;
  try {
    return { expectation: new Expectation(expect[2]), withinSeconds: Number(expect[1] ?? 0) };
  } catch (error) {
    throw new Error(`line ${line}: ${(error as Error).message}`);
  }
}

function needNamed(word: string, line: number): Need {
  const need = NEEDS.find((name) => name === word);
  if (need === undefined) throw new Error(`line ${line}: "${word}" is none of ${NEEDS.join(", ")}`);
  return need;
}

function pictureOf(comment: string, title: string, line: number): PictureStep | null {
  const [, path, rest] = /^picture (\S+) *\n([\s\S]*)$/.exec(comment) ?? [];
  if (path === undefined) return null;
  const said = (key: string) => [...rest.matchAll(new RegExp(`^${key}: (.+)$`, "gm"))].map(([, value]) => value.trim());
  const [url] = said("url");
  if (url === undefined) throw new Error(`line ${line}: the picture has no "url:"`);
  const needs = ["browser" as const, ...said("needs").map((word) => needNamed(word, line))];
  return { kind: "picture", title, line, needs, path, url, sees: said("see") };
}

/** The document with other outputs in the place of those that it shows. */
export function withOutputs(text: string, outputs: ReadonlyMap<CommandStep, string>): string {
  const changes = [...outputs].flatMap(([{ range }, output]) => (range === null ? [] : [{ range, output }]));
  return changes
    .sort((a, b) => b.range[0] - a.range[0])
    .reduce(
      (now, { range: [begin, end], output }) =>
        `${now.slice(0, begin)}${output.replace(/\n*$/, "\n")}${now.slice(end)}`,
      text,
    );
}

const RUN = /(<!-- run:begin -->\n)[\s\S]*?(<!-- run:end -->)/;

/** The document with another account of the run that its outputs are of. Throws where there is no place for it. */
export function withRun(text: string, account: string): string {
  if (!RUN.test(text)) throw new Error("the document needs the lines <!-- run:begin --> and <!-- run:end -->");
  return text.replace(RUN, (_, begin: string, end: string) => `${begin}${account}\n${end}`);
}
