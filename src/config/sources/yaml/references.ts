/**
 * Secrets that a file names without telling them: `${NAME}` is a variable of the environment or of `.env`, `file:PATH` the
 * text of a file. `$${` is `${` itself.
 */
import { readText } from "../text.ts";

const MAX_SECRET_BYTES = 64 * 1024;

/** The sources that come before the file, as `${NAME}` needs them. */
export interface ReferenceContext {
  readonly lookUp: (name: string) => string | undefined;
  /** Is told each name that is asked for. */
  readonly onReference: (name: string) => void;
}

/** A text with everything in its place, or why it could not be. */
export interface Expanded {
  readonly value: string;
  /** It says more than was written. */
  readonly expanded: boolean;
  readonly problem?: string;
  /** The variables that it names. */
  readonly references: readonly string[];
}

/** @param lookUp the value of a variable; `undefined` = it is not set. */
export function expand(text: string, lookUp: (name: string) => string | undefined): Expanded {
  const references: string[] = [];
  let problem: string | undefined;
  const value = text.replace(/\$?\$\{([^}]*)(\}?)/g, (whole, name: string, end: string) => {
    if (whole.startsWith("$$")) return whole.slice(1);
    if (end === "" || !/^[A-Za-z_]\w*$/.test(name)) {
      // biome-ignore lint/suspicious/noTemplateCurlyInString: it is what users write
      problem ??= "has a ${ that begins no ${NAME}: for the characters themselves write $${";
      return "";
    }
    references.push(name);
    const found = lookUp(name);
    if (found === undefined) problem ??= `names \${${name}}, which is set neither in the environment nor in .env`;
    return found ?? "";
  });
  return { value, expanded: references.length > 0, problem, references };
}

/** As `expand`, and a text that begins with `file:` is that of the file, without the end of its last line. */
export function expandSecret(text: string, lookUp: (name: string) => string | undefined): Expanded {
  const expanded = expand(text, lookUp);
  if (!text.startsWith("file:") || expanded.problem !== undefined) return expanded;
  const path = expanded.value.slice("file:".length).trim();
  try {
    const value = readText(path, MAX_SECRET_BYTES).replace(/\r?\n$/, "");
    if (value === "") throw new Error(": is empty");
    return { ...expanded, value, expanded: true };
  } catch (error) {
    const { message } = error as Error;
    return { ...expanded, value: "", problem: `names a file that has no secret to give: ${path}${message}` };
  }
}
