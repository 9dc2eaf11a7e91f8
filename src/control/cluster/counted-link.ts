/** Counts what the exchange sends to Redis and gets from there: what scripts are given and give, without the protocol's own. */
import type { RedisLink } from "../../cluster/redis/link.ts";

/** Bytes since the start. Texts are ASCII but for the names of instances. */
export interface ExchangedBytes {
  readonly sent: number;
  readonly received: number;
}

/** One instance's. */
export class CountedLink implements Pick<RedisLink, "eval"> {
  readonly #link: Pick<RedisLink, "eval">;
  #sent = 0;
  #received = 0;

  constructor(link: Pick<RedisLink, "eval">) {
    this.#link = link;
  }

  get bytes(): ExchangedBytes {
    return { sent: this.#sent, received: this.#received };
  }

  async eval(...[script, keys, args]: Parameters<RedisLink["eval"]>): Promise<unknown> {
    for (const text of keys) this.#sent += text.length;
    for (const text of args) this.#sent += text.length;
    const answer = await this.#link.eval(script, keys, args);
    this.#received += lengthOf(answer);
    return answer;
  }
}

function lengthOf(answer: unknown): number {
  if (typeof answer === "string") return answer.length;
  return Array.isArray(answer) ? answer.reduce((sum: number, part) => sum + lengthOf(part), 0) : 0;
}
