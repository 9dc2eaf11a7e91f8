/** A logger whose target can be replaced: a reload may change the level while everyone holds the logger already. */
import type { LogFields, Logger } from "./logger.ts";

/** A logger that everyone may hold on to, and the handle that changes its target. */
export interface ReplaceableLogger {
  readonly log: Logger;
  replace(target: Logger): void;
}

/** A logger that writes to `first` until it is replaced. */
export function replaceableLogger(first: Logger): ReplaceableLogger {
  let target = first;
  const wrap = (current: () => Logger): Logger => {
    const at = (level: "debug" | "info" | "warn" | "error") => (fields: LogFields | string, message?: string) =>
      typeof fields === "string" ? current()[level](fields) : current()[level](fields, message ?? "");
    return Object.freeze({
      debug: at("debug"),
      info: at("info"),
      warn: at("warn"),
      error: at("error"),
      child: (fields: LogFields) => {
        let parent = current();
        let child = parent.child(fields);
        return wrap(() => {
          if (parent !== current()) {
            parent = current();
            child = parent.child(fields);
          }
          return child;
        });
      },
      once: (key: string, message: string, fields?: LogFields) => current().once(key, message, fields),
    });
  };
  return {
    log: wrap(() => target),
    replace: (next) => {
      target = next;
    },
  };
}
