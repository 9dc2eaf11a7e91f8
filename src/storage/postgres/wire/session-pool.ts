/**
 * Sessions of somebody who only visits: a few, opened when they are needed, each asked one thing at a time. What the settings
 * say of connections holds here: how many there are, how many stay while they have nothing to do, and how old they get.
 */
import type { PostgresLocation } from "../location.ts";
import { type Purpose, Session } from "./session.ts";

/** What owners, a trainer and a command need of an instance's connections, one each. */
const OTHER_CONNECTIONS = 4;
/** More would not answer anything sooner. */
const MOST = 4;

/** How many connections one visitor may have. */
export function visitorConnections({ maxOpenConnections }: Pick<PostgresLocation, "maxOpenConnections">): number {
  return Math.max(1, Math.min(MOST, maxOpenConnections - OTHER_CONNECTIONS));
}

/** See the top of this file. */
export class SessionPool {
  readonly #where: PostgresLocation;
  readonly #purpose: Purpose;
  /** After it was opened, before anybody has it. */
  readonly #greet: (session: Session) => Promise<void>;
  readonly #idle: Session[] = [];
  readonly #waiting: (() => void)[] = [];
  readonly #open = new Set<Session>();
  #opening = 0;
  #isClosed = false;

  constructor(where: PostgresLocation, purpose: Purpose, greet: (session: Session) => Promise<void>) {
    this.#where = where;
    this.#purpose = purpose;
    this.#greet = greet;
  }

  /** Does `work` on a session that nobody else has meanwhile. */
  async use<T>(work: (session: Session) => Promise<T>): Promise<T> {
    const session = await this.#take();
    try {
      return await work(session);
    } finally {
      await this.#giveBack(session);
    }
  }

  /** Ends all of them, whatever runs there. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#open].map((session) => session.close()));
  }

  async #take(): Promise<Session> {
    for (;;) {
      const session = this.#idle.pop();
      if (session !== undefined) {
        if (!session.isDead && !session.isOld) return session;
        await this.#drop(session);
        continue;
      }
      if (this.#open.size + this.#opening < visitorConnections(this.#where)) return this.#make();
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  async #make(): Promise<Session> {
    this.#opening++;
    let session: Session | null = null;
    try {
      session = await Session.open(this.#where, this.#purpose);
      await this.#greet(session);
      this.#open.add(session);
      if (this.#isClosed) await session.close();
      return session;
    } catch (error) {
      await session?.close();
      this.#waiting.shift()?.();
      throw error;
    } finally {
      this.#opening--;
    }
  }

  async #giveBack(session: Session): Promise<void> {
    const isKept = !session.isDead && !session.isOld && this.#idle.length < this.#where.maxIdleConnections;
    if (isKept || (this.#waiting.length > 0 && !session.isDead && !session.isOld)) this.#idle.push(session);
    else await this.#drop(session);
    this.#waiting.shift()?.();
  }

  async #drop(session: Session): Promise<void> {
    this.#open.delete(session);
    await session.close();
  }
}
