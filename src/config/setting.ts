/** What a setting is: the one description that parsing, `check`, `.env.example` and the documentation are made from. */
import type { z } from "zod";

/** How the text of an environment variable becomes a value. */
export interface ValueType<T> {
  readonly schema: z.ZodType<T, string>;
  /** Shown in the reference: `integer 0 … 65535`. */
  readonly describe: string;
}

/** One environment variable. */
export interface Setting<T> {
  readonly env: string;
  readonly type: ValueType<T>;
  /** The default as it would be written in the environment; `null` = unset, and the value is `null`. */
  readonly default: string | null;
  /** One or two sentences; README shows the first alone. */
  readonly doc: string;
  /** Unit of the number as written, when the name alone does not say it. */
  readonly unit?: string;
  /** Its value is never shown, not even in errors. */
  readonly secret?: boolean;
  /** Shown in the README's short table. */
  readonly common?: boolean;
  /** Its value, when there is no default, stops the start. */
  readonly required?: boolean;
}

/** Settings that belong together. */
export interface Section {
  readonly title: string;
  readonly doc?: string;
  // biome-ignore lint/suspicious/noExplicitAny: a section holds settings of every type; SettingValue reads each one.
  readonly settings: Readonly<Record<string, Setting<any>>>;
}

/** The type of a setting's value in `Config`. */
export type SettingValue<S> = S extends Setting<infer T> ? T : never;

/** The values of sections: what a `Config` is. */
export type SectionValues<S extends Readonly<Record<string, Section>>> = {
  readonly [N in keyof S]: { readonly [K in keyof S[N]["settings"]]: SettingValue<S[N]["settings"][K]> };
};

type Described<T> = Omit<Setting<T>, "default" | "required">;

/** A setting with a default. */
export function setting<T>(described: Described<T> & { readonly default: string }): Setting<T> {
  return Object.freeze(described);
}

/** A setting that may stay unset: its value is then `null`. */
export function optional<T>(described: Described<T>): Setting<T | null> {
  return Object.freeze({ ...described, default: null }) as Setting<T | null>;
}

/** A setting that must be set. */
export function required<T>(described: Described<T>): Setting<T> {
  return Object.freeze({ ...described, default: null, required: true });
}
