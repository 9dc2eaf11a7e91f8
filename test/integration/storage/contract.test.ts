/** Every backend that there is keeps the one contract. */
import { Database } from "bun:sqlite";
import type { ServerRow } from "../../../src/storage/history-store.ts";
import { historyInMemory, learningInMemory, SQLITE } from "../../../src/storage/sqlite/sqlite.ts";
import { MemoryPlace } from "../../support/memory-backend.ts";
import { MemoryHistoryPlace } from "../../support/memory-history-backend.ts";
import { storeContract } from "./contract/contract.ts";
import { at, scratch } from "./store-fixture.ts";

storeContract({
  name: "SQLite on disk",
  durable: true,
  remote: false,
  make: () => {
    const directory = scratch();
    const location = at(directory.path);
    return {
      own: (options) => SQLITE.learning.own(location, options),
      visit: (access, options) => SQLITE.learning.visit(location, access, options),
      history: {
        own: (options) => SQLITE.history.own(location, options),
        visit: () => SQLITE.history.visit(location),
        override: (host, set) => overrideIn(`${directory.path}/history.db`, host, set),
      },
      remove: () => directory.remove(),
    };
  },
});

storeContract({
  name: "SQLite in memory",
  durable: false,
  remote: false,
  make: () => ({
    own: learningInMemory,
    visit: unseen,
    history: { own: historyInMemory, visit: unseen, override: unseen },
    remove: () => {},
  }),
});

storeContract({
  name: "a backend as asynchronous as a server",
  durable: true,
  remote: true,
  make: () => {
    const place = new MemoryPlace();
    const history = new MemoryHistoryPlace();
    return {
      own: (options) => place.own(options),
      visit: (access, options) => place.visit(access, options),
      history: {
        own: (options) => history.own(options),
        visit: () => history.visit(),
        override: (host, set) => history.override(host, set),
      },
      remove: () => {},
    };
  },
});

function overrideIn(path: string, host: string, set: Partial<Pick<ServerRow, "weight" | "capacity">>): void {
  const db = new Database(path, { readwrite: true, create: false });
  for (const [name, value] of Object.entries(set))
    db.run(`UPDATE servers SET ${name} = ? WHERE host = ?`, [value, host]);
  db.close();
}

function unseen(): never {
  throw new Error("nobody else sees what is in memory");
}
