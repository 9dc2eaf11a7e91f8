/** `nginx:/var/log/nginx/replay.log`: a log on the command line. */
import { InvalidArgumentError } from "commander";
import { LOG_FORMATS } from "../../replay/reading/logs/read-log.ts";

export interface LogSource {
  /** A key of `LOG_FORMATS`. */
  readonly format: string;
  readonly file: string;
}

/** Throws an `InvalidArgumentError` that says what there is. */
export function parseLogSource(text: string): LogSource {
  const colon = text.indexOf(":");
  const format = text.slice(0, Math.max(0, colon));
  const file = text.slice(colon + 1);
  if (Object.hasOwn(LOG_FORMATS, format) && file !== "") return { format, file };
  const forms = Object.keys(LOG_FORMATS).map((name) => `${name}:FILE`);
  throw new InvalidArgumentError(`Expected ${forms.join(" or ")}.`);
}
