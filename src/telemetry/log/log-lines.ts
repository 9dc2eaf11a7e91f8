/**
 * What a line of the process log looks like. Messages and fields repeat what servers, files and names say: none of it
 * may end a line, begin a field or move a terminal's cursor.
 *
 * A line of text is `[time] LEVEL: process: message {fields as JSON}`. A message that could be taken for something else
 * (it has a brace, begins with a quote, or holds what cannot be seen) is itself written as a JSON string, so that the
 * first brace of a line begins its fields. The stack of an error follows on lines that begin with spaces.
 */
import { visible } from "../../shared/visible-text.ts";

const COLOURS: Readonly<Record<string, number>> = { TRACE: 90, DEBUG: 34, INFO: 32, WARN: 33, ERROR: 31, FATAL: 41 };

interface LoggedError {
  readonly stack?: unknown;
  readonly [name: string]: unknown;
}

/** A line of JSON, and in it nothing that a terminal would obey: JSON itself only escapes the ASCII controls. */
export function jsonLine(line: string): string {
  return `${visible(line.trimEnd())}\n`;
}

/** The same for people. @param line as JSON. */
export function textLine(line: string, colour: boolean): string {
  const { level, time, pid: _, process: name, msg, err, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const label = String(level).toUpperCase();
  const head = colour ? `\x1b[${COLOURS[label] ?? 0}m${label}\x1b[39;49m` : label;
  let text = `[${time}] ${head}: ${visible(String(name))}: ${message(msg === undefined ? "" : String(msg))}`;
  let stack = "";
  if (isError(err)) {
    const { stack: frames, ...rest } = err;
    fields.err = rest;
    stack = typeof frames === "string" ? frames : "";
  } else if (err !== undefined) fields.err = err;
  if (Object.keys(fields).length > 0) text += ` ${visible(JSON.stringify(fields))}`;
  for (const frame of stack.split("\n")) if (frame.trim() !== "") text += `\n    ${visible(frame.trim())}`;
  return `${text}\n`;
}

function isError(value: unknown): value is LoggedError {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function message(text: string): string {
  const plain = visible(text);
  return plain === text && !text.includes("{") && !text.startsWith('"') ? text : visible(JSON.stringify(text));
}
