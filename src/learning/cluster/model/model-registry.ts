/** One pool's model in Redis: who trains it, which there is. Every reply is checked; what is none of ours is an error. */
import { z } from "zod";
import type { RedisError } from "../../../cluster/redis/redis-error.ts";
import {
  decodeModel,
  decodeSource,
  encodeSource,
  MOST_FILE_BYTES,
  type ModelSource,
  type PublishedModel,
} from "./published-model.ts";
import { FETCH_SCRIPT, LEAVE_SCRIPT, MOST_NUMBER, PUBLISH_SCRIPT, ROUND_SCRIPT, Word } from "./scripts.ts";

/** What is asked of Redis. */
export interface ScriptLink {
  /** Rejects when there is no answer in time, or it is an error. */
  eval(script: string, keys: readonly string[], args: readonly string[]): Promise<unknown>;
}

/** How long things last, milliseconds. */
export interface RegistryTimes {
  /** Whoever trains and is not heard of for so long trains no more. */
  readonly leaseMs: number;
  /** A learner that is not heard of for so long is not counted. */
  readonly learnerMs: number;
  /** A model that nobody asks for any more is forgotten. */
  readonly keepMs: number;
}

/** An instance's learner of the pool. */
export interface RoundSaid {
  /** It would train. */
  readonly wants: boolean;
  /** Of its lease; 0 = it has none. */
  readonly token: number;
  /** Of a lease of somebody who has not been heard of for too long; 0 = of none. */
  readonly silent: number;
  /** The highest number that it knows of. */
  readonly floor: number;
  /** Of the published model that it took; 0 = it took none. */
  readonly revision: number;
  /** It does not route by that any more, because it was worse here. */
  readonly steppedDown: boolean;
  /** It has traffic to learn from. */
  readonly busy: boolean;
}

/** Who trains. */
export interface Lease {
  readonly id: string;
  readonly name: string;
  readonly token: number;
  /** By Redis's clock, milliseconds since the epoch. */
  readonly sinceMs: number;
  /** Changes whenever it is renewed. */
  readonly beat: number;
}

/** What there is. */
export interface RoundHeard {
  readonly lease: Lease | null;
  /** The highest number that was given. */
  readonly number: number;
  /** `null` = none was published. A `source` of `null` is none of ours. */
  readonly model: { readonly revision: number; readonly checksum: string; readonly source: ModelSource | null } | null;
  /** Learners that were heard of of late; of them, those that took this model, and of those, those that stepped down from it. */
  readonly instances: number;
  readonly current: number;
  readonly steppedDown: number;
  /** Those that have traffic to learn from. */
  readonly busy: number;
  /** The highest revision that one of them has: greater than the model's, it will be put back. */
  readonly known: number;
}

/** How a model is published: see `PUBLISH_SCRIPT`. */
export type Publication = {
  readonly floor: number;
  readonly source: ModelSource;
  readonly checksum: string;
  readonly text: string;
} & (
  | { readonly mode: "lead"; readonly token: number; readonly after: number }
  | { readonly mode: "order" }
  | { readonly mode: "restore"; readonly revision: number }
);

/** What became of it: its revision, or why it has none. */
export type Published = { readonly revision: number } | { readonly refused: "lease" | "moved" | "older" };

const whole = z.coerce.number().int().min(0).max(MOST_NUMBER);
const text = z.string().max(500);
const roundReply = z.tuple([
  z.literal(Word.DONE),
  text,
  whole,
  text,
  z.coerce.number().min(0).max(8.64e15),
  whole,
  whole,
  whole,
  z.string().max(64),
  z.string(),
  whole,
  whole,
  whole,
  whole,
  whole,
]);
const published = z.tuple([z.enum([Word.DONE, Word.LEASE, Word.MOVED, Word.OLDER]), whole]);
const fetched = z.tuple([z.enum([Word.DONE, Word.OLDER, Word.LARGE]), z.string()]);

export class ModelRegistry {
  readonly #link: ScriptLink;
  readonly #instance: { readonly id: string; readonly name: string };
  readonly #times: RegistryTimes;
  readonly #keys: {
    readonly training: string;
    readonly revision: string;
    readonly model: string;
    readonly learners: string;
  };

  /** @param cluster its name. @param instance which this is. */
  constructor(
    link: ScriptLink,
    place: { readonly cluster: string; readonly pool: string },
    instance: { readonly id: string; readonly name: string },
    times: RegistryTimes,
  ) {
    this.#link = link;
    this.#instance = instance;
    this.#times = times;
    const key = (what: string): string => `neurabalancer:1:{${place.cluster}}:${what}:${place.pool}`;
    this.#keys = {
      training: key("training"),
      revision: key("revision"),
      model: key("model"),
      learners: key("learners"),
    };
  }

  /** Says that this one is there, and hears what there is. Rejects with a `RegistryError` when Redis does not answer as it should. */
  async round(said: RoundSaid): Promise<RoundHeard> {
    const { training, revision, model, learners } = this.#keys;
    const { id, name } = this.#instance;
    const { leaseMs, learnerMs, keepMs } = this.#times;
    const { wants, token, silent, floor, revision: taken, steppedDown, busy } = said;
    const reply = await this.#eval(
      ROUND_SCRIPT,
      [training, revision, model, learners],
      [
        ...[id, name.slice(0, 200), flag(wants), numbered(token), numbered(silent), String(floor), String(taken)],
        ...[`${flag(steppedDown)} ${flag(busy)}`, String(leaseMs), String(learnerMs), String(keepMs)],
      ],
    );
    const [, leader, leaseToken, leaderName, sinceMs, beat, number, stored, checksum, meta, ...counts] = checked(
      roundReply,
      reply,
    );
    const [instances, current, down, working, known] = counts;
    return {
      lease: leader === "" ? null : { id: leader, name: leaderName, token: leaseToken, sinceMs, beat },
      number: Math.max(number, stored, leaseToken),
      model: stored === 0 ? null : { revision: stored, checksum, source: decodeSource(meta) },
      instances,
      current,
      steppedDown: down,
      busy: working,
      known,
    };
  }

  /** Publishes a model. Rejects with a `RegistryError` when Redis does not answer as it should. */
  async publish(publication: Publication): Promise<Published> {
    const { training, revision, model } = this.#keys;
    const { mode, floor, source, checksum, text: files } = publication;
    const token = mode === "lead" ? String(publication.token) : "";
    const number = mode === "lead" ? publication.after : mode === "restore" ? publication.revision : 0;
    const args = [mode, this.#instance.id, token, String(number), String(floor), checksum, encodeSource(source), files];
    const reply = await this.#eval(PUBLISH_SCRIPT, [training, revision, model], [...args, String(this.#times.keepMs)]);
    const [word, given] = checked(published, reply);
    return word === Word.DONE ? { revision: given } : { refused: word };
  }

  /**
   * The model of this revision; `null` = there is another one by now. Rejects with a `BadModelError` when it is none, and with a
   * `RegistryError` when Redis does not answer as it should.
   */
  async fetch(revision: number, checksum: string): Promise<PublishedModel | null> {
    const reply = await this.#eval(FETCH_SCRIPT, [this.#keys.model], [String(revision), String(MOST_FILE_BYTES)]);
    const [word, files] = checked(fetched, reply);
    if (word === Word.OLDER) return null;
    if (word === Word.LARGE) throw new BadModelError(`it takes more than ${MOST_FILE_BYTES} bytes`);
    try {
      return decodeModel(files, checksum);
    } catch (error) {
      throw new BadModelError((error as Error).message);
    }
  }

  /** Gives up the lease, if it is this one's, and is counted no more. */
  async leave(): Promise<void> {
    const { training, learners } = this.#keys;
    await this.#eval(LEAVE_SCRIPT, [training, learners], [this.#instance.id]);
  }

  async #eval(script: string, keys: readonly string[], args: readonly string[]): Promise<unknown> {
    try {
      return await this.#link.eval(script, keys, args);
    } catch (error) {
      const { kind, message } = error as Partial<RedisError> & Error;
      throw new RegistryError(message, kind === "script");
    }
  }
}

/** Redis does not answer, or not as it should: nothing is known of what was asked. */
export class RegistryError extends Error {
  override readonly name = "RegistryError";
  /** It answers, and what it says of the model is wrong: that is nobody else's to tell. */
  readonly isOurs: boolean;

  constructor(message: string, isOurs: boolean) {
    super(message);
    this.isOurs = isOurs;
  }
}

/** What lies in Redis under a model's name is none that could be used: to ask again is of no use. */
export class BadModelError extends Error {
  override readonly name = "BadModelError";
}

function checked<T>(schema: z.ZodType<T>, reply: unknown): T {
  const { data } = schema.safeParse(reply);
  if (data === undefined) throw new RegistryError("an answer that is none of ours", true);
  return data;
}

function flag(on: boolean): string {
  return on ? "1" : "0";
}

/** 0 = none. */
function numbered(token: number): string {
  return token === 0 ? "" : String(token);
}
