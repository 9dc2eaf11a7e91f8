/**
 * What may be asked of history. The command line and the admin API ask by the same names and texts, so that these are read,
 * and refused, in one place.
 */

import { isoMoment, MOMENT_FORMS, parseEnd, parseMoment } from "../shared/moments.ts";
import { shortened } from "../shared/shortened.ts";
import {
  EVENT_KINDS,
  type EventKind,
  type HistoryQuery,
  REQUEST_REASONS,
  type RequestReason,
} from "../storage/history-store.ts";
import { STEPS, type Step } from "./steps.ts";

/** A question that cannot be understood; a sentence for each problem. */
export class QuestionError extends Error {
  override readonly name = "QuestionError";
}

/** By what counts may be grouped. */
export const GROUPS = ["pool", "server", "address", "route", "status"] as const;
/** One of them. */
export type Group = (typeof GROUPS)[number];

/** In which order single requests are wanted. */
export const REQUEST_ORDERS = ["newest", "oldest", "slowest"] as const;
/** One of them. */
export type RequestOrder = (typeof REQUEST_ORDERS)[number];

/** What may be asked for. */
export const SUBJECTS = ["traffic", "events", "requests", "servers", "incident"] as const;
/** One of them. */
export type Subject = (typeof SUBJECTS)[number];

/** What every question has: from when, until when, of what. */
export type Asked = HistoryQuery;

/** How much traffic, how fast, how well. */
export interface TrafficQuestion extends Asked {
  readonly subject: "traffic";
  /** A row for each step; `null` = one for all of the time. */
  readonly by: Step | null;
  readonly groups: readonly Group[];
}

/** What happened. */
export interface EventsQuestion extends Asked {
  readonly subject: "events";
  /** Empty = all. */
  readonly kinds: readonly EventKind[];
  readonly limit: number;
}

/** Which single requests there were. */
export interface RequestsQuestion extends Asked {
  readonly subject: "requests";
  /** Empty = all. */
  readonly reasons: readonly RequestReason[];
  /** Of a request, as the access log has it. */
  readonly id: string | null;
  /** `503`, or a class, `5`; `null` = any. */
  readonly status: number | null;
  readonly order: RequestOrder;
  readonly limit: number;
}

/** What servers were like. */
export interface ServersQuestion extends Asked {
  readonly subject: "servers";
}

/** What was different from the hour before. */
export interface IncidentQuestion extends Asked {
  readonly subject: "incident";
}

/** One of them. */
export type Question = TrafficQuestion | EventsQuestion | RequestsQuestion | ServersQuestion | IncidentQuestion;

/** Parameters of a question as they are written, by name. */
export type Parameters = Readonly<Record<string, string>>;

/** What all questions take. */
const COMMON = ["since", "until", "pool", "server", "route", "instance"] as const;

/** What each takes beyond that, and from when on it asks unless told otherwise. */
const TAKES: Readonly<Record<Subject, { readonly names: readonly string[]; readonly since: string }>> = {
  traffic: { names: ["by", "group"], since: "1h" },
  events: { names: ["kind", "limit"], since: "1d" },
  requests: { names: ["reason", "id", "status", "order", "limit"], since: "1h" },
  servers: { names: [], since: "1d" },
  incident: { names: [], since: "15m" },
};

/** Names of the parameters that a question takes. */
export function parametersOf(subject: Subject): readonly string[] {
  return [...COMMON, ...TAKES[subject].names];
}

const MOST_EVENTS = 10_000;
const MOST_REQUESTS = 1_000;
const NAME_LENGTH = 512;
/** Of what was wrong. */
const SHOWN_LENGTH = 80;

/** Reads a question. Throws a `QuestionError` that tells every problem. @param nowMs milliseconds since the epoch. */
export function readQuestion(subject: Subject, parameters: Parameters, nowMs: number): Question {
  const read = new ParameterReader(parameters);
  read.refuseOthers(parametersOf(subject));
  const sinceMs = read.moment("since", TAKES[subject].since, (text) => parseMoment(text, nowMs));
  const untilMs = read.moment("until", "now", (text) => parseEnd(text, sinceMs, nowMs));
  if (sinceMs >= untilMs) {
    read.problem(`since (${isoMoment(sinceMs)}) must be before until (${isoMoment(untilMs)})`);
  }
  const asked: Asked = {
    sinceMs,
    untilMs,
    ...read.name("instance"),
    ...read.name("pool"),
    ...read.name("server"),
    ...read.name("route"),
  };
  const question = rest(subject, asked, read);
  read.finish();
  return question;
}

function rest(subject: Subject, asked: Asked, read: ParameterReader): Question {
  switch (subject) {
    case "traffic": {
      const by = read.oneOf("by", STEPS);
      return { ...asked, subject, by, groups: read.list("group", GROUPS, by === null ? "server" : "") };
    }
    case "events":
      return { ...asked, subject, kinds: read.list("kind", EVENT_KINDS), limit: read.limit(200, MOST_EVENTS) };
    case "requests":
      return {
        ...asked,
        subject,
        reasons: read.list("reason", REQUEST_REASONS),
        id: read.text("id"),
        status: read.status(),
        order: read.oneOf("order", REQUEST_ORDERS) ?? "newest",
        limit: read.limit(50, MOST_REQUESTS),
      };
    case "servers":
    case "incident":
      return { ...asked, subject };
  }
}

class ParameterReader {
  readonly #parameters: Parameters;
  readonly #problems: string[] = [];

  constructor(parameters: Parameters) {
    this.#parameters = parameters;
  }

  problem(sentence: string): void {
    this.#problems.push(sentence);
  }

  finish(): void {
    if (this.#problems.length > 0) throw new QuestionError(this.#problems.join("; "));
  }

  refuseOthers(known: readonly string[]): void {
    for (const name of Object.keys(this.#parameters)) {
      if (!known.includes(name))
        this.problem(`${shortened(name, SHOWN_LENGTH)} is not known here: ${known.join(", ")} are`);
    }
  }

  text(name: string): string | null {
    if (!Object.hasOwn(this.#parameters, name)) return null;
    const text = this.#parameters[name];
    if (text.length > 0 && text.length <= NAME_LENGTH) return text;
    this.problem(`${name} must have 1 to ${NAME_LENGTH} characters`);
    return null;
  }

  name<Name extends string>(name: Name): { readonly [Key in Name]?: string } {
    const text = this.text(name);
    return text === null ? {} : ({ [name]: text } as { [Key in Name]: string });
  }

  moment(name: string, usual: string, parse: (text: string) => number | null): number {
    const text = this.text(name) ?? usual;
    const atMs = parse(text);
    if (atMs === null) this.problem(`${name}: "${shortened(text, SHOWN_LENGTH)}" is no time; give ${MOMENT_FORMS}`);
    return atMs ?? Number.NaN;
  }

  oneOf<T extends string>(name: string, known: readonly T[]): T | null {
    const text = this.text(name);
    if (text === null) return null;
    if ((known as readonly string[]).includes(text)) return text as T;
    this.problem(`${name} must be one of ${known.join(", ")}, not "${shortened(text, SHOWN_LENGTH)}"`);
    return null;
  }

  /** Several, with commas between; `none` is none of them. */
  list<T extends string>(name: string, known: readonly T[], usual = ""): readonly T[] {
    const text = this.text(name) ?? usual;
    if (text === "" || text === "none") return [];
    const words = text.split(",").map((word) => word.trim());
    const wrong = words.filter((word) => !(known as readonly string[]).includes(word));
    if (wrong.length > 0) {
      this.problem(
        `${name} must be some of ${known.join(", ")}, with commas between, not "${shortened(text, SHOWN_LENGTH)}"`,
      );
    }
    return [...new Set(words as T[])];
  }

  limit(usual: number, most: number): number {
    const text = this.text("limit");
    if (text === null) return usual;
    const limit = /^\d{1,9}$/.test(text) ? Number(text) : 0;
    if (limit < 1 || limit > most) this.problem(`limit must be a whole number from 1 to ${most}`);
    return limit;
  }

  status(): number | null {
    const text = this.text("status");
    if (text === null) return null;
    const form = /^([1-5])(xx|\d\d)$/.exec(text);
    if (form === null) {
      this.problem(
        `status must be a status such as 503 or a class such as 5xx, not "${shortened(text, SHOWN_LENGTH)}"`,
      );
      return null;
    }
    return Number(form[2] === "xx" ? form[1] : text);
  }
}
