/** What a setting is: the one description that parsing, `check`, `.env.example` and the documentation are made from. */
import type { z } from "zod";

/** How the text of an environment variable becomes a value. */
export interface ValueType<T> {
  readonly schema: z.ZodType<T, string>;
  /** Shown in the reference: `integer 0 … 65535`. */
  readonly describe: string;
  readonly form: ValueForm;
}

/** How the configuration file writes a value: its source makes the same text of it, and editors are told so. */
export type ValueForm =
  | { readonly kind: "text" | "switch" }
  | { readonly kind: "integer" | "number"; readonly min: number; readonly max: number }
  | { readonly kind: "words"; readonly words: readonly string[] }
  /** With a unit. All in milliseconds or bytes; `bareUnit` is what a number without a unit counts in the environment. */
  | { readonly kind: "duration" | "size"; readonly bareUnit: number; readonly min: number; readonly max: number }
  /** `list`: entries that the text separates by commas. `fields`: names with values. `servers`: URLs with weights. */
  | { readonly kind: "list" | "fields" | "servers" };

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
  /** Unset, it stops the start. */
  readonly required?: boolean;
  /** A reload keeps the old value and says so: sockets, which clients hold on to. */
  readonly restart?: boolean;
  /** Who is given its value as it is; what is worked out from it stands where the receiver's settings are made. */
  readonly givenTo?: Receivers;
}

/** Parts of the product that are given settings, each with the name that the setting has there. */
export interface Receivers {
  /** `ProxySettings`, of every worker. */
  readonly worker?: string;
  /** `PoolSettings`: a pool may have a value of its own. */
  readonly pool?: string;
  /** `RequestSettings`: a pool and a route may have values of their own. */
  readonly request?: string;
  /** `LearnerSettings`. */
  readonly learner?: string;
  /** `RecorderSettings`. */
  readonly recorder?: string;
  /** `FleetOptions`. Sections that the fleet has whole (`health`, `dns`, …) need no names. */
  readonly fleet?: string;
}

/** Settings that belong together. */
export interface Section {
  readonly title: string;
  readonly doc?: string;
  /** Each pool may have values of its own of all of them. */
  readonly scope?: "pool";
  // biome-ignore lint/suspicious/noExplicitAny: a section holds settings of every type; SettingValue reads each one.
  readonly settings: Readonly<Record<string, Setting<any>>>;
}

/** The type of a setting's value in `Config`. */
export type SettingValue<S> = S extends Setting<infer T> ? T : never;

/** The values of sections: what a `Config` is. */
export type SectionValues<S extends Readonly<Record<string, Section>>> = {
  readonly [N in keyof S]: { readonly [K in keyof S[N]["settings"]]: SettingValue<S[N]["settings"][K]> };
};

/** A setting that says who is given its value, by names that the compiler knows. */
export type Given<T, R extends Receivers> = Setting<T> & { readonly givenTo: R };

/** A setting's description; `R` is what `givenTo` says. */
type Described<T, R extends Receivers> = Omit<Setting<T>, "default" | "required" | "givenTo"> & {
  readonly givenTo?: R;
};

/** A setting with a default. */
export function setting<T, const R extends Receivers = Receivers>(
  described: Described<T, R> & { readonly default: string },
): Given<T, R> {
  return Object.freeze({ givenTo: {} as R, ...described });
}

/** A setting that may stay unset: its value is then `null`. */
export function optional<T, const R extends Receivers = Receivers>(described: Described<T, R>): Given<T | null, R> {
  return Object.freeze({ givenTo: {} as R, ...described, default: null }) as Given<T | null, R>;
}

/** A setting that must be set. */
export function required<T, const R extends Receivers = Receivers>(described: Described<T, R>): Given<T, R> {
  return Object.freeze({ givenTo: {} as R, ...described, default: null, required: true });
}
