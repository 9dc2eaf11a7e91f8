/** Asks several servers at once: the first good answer counts, and one that hangs holds nobody up. */
import { type RedisAccess, RedisConnection, type Word } from "../connection.ts";
import { RedisError } from "../redis-error.ts";

/** With connecting. */
const ASK_MS = 3000;

/**
 * Each over a connection of its own, which is closed again. Rejects with a `RedisError` that has the reasons of all.
 * @param read what the answer means; throws a `RedisError` when it is none.
 */
export async function askAll<T>(
  addrs: readonly string[],
  access: RedisAccess,
  words: readonly Word[],
  read: (answer: unknown, addr: string) => T,
): Promise<T> {
  const open = new Set<RedisConnection>();
  let isOver = false;
  const ask = async (addr: string): Promise<T> => {
    const connection = await RedisConnection.open(addr, access);
    if (isOver) connection.close();
    else open.add(connection);
    return read(await connection.send(words), addr);
  };
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new RedisError("timeout", `${addrs.join(", ")} do not answer`)), ASK_MS);
  try {
    return await Promise.race([Promise.any(addrs.map(ask)), late.promise]);
  } catch (error) {
    throw error instanceof AggregateError ? together(error.errors as Error[]) : error;
  } finally {
    isOver = true;
    clearTimeout(timer);
    for (const connection of open) connection.close();
  }
}

/** What is wrong with all is of the first one's kind. */
function together(errors: readonly Error[]): RedisError {
  const [first] = errors;
  const messages = new Set(errors.map(({ message }) => message));
  return new RedisError(first instanceof RedisError ? first.kind : "other", [...messages].join("; "));
}
