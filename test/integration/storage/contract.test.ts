/** Every backend that there is keeps the one contract. */
import { learningInMemory, SQLITE } from "../../../src/storage/sqlite/sqlite.ts";
import { MemoryPlace } from "../../support/memory-backend.ts";
import { storeContract } from "./contract/contract.ts";
import { at, scratch } from "./store-fixture.ts";

storeContract({
  name: "SQLite on disk",
  durable: true,
  make: () => {
    const directory = scratch();
    const location = at(directory.path);
    return {
      own: (options) => SQLITE.learning.own(location, options),
      visit: (access, options) => SQLITE.learning.visit(location, access, options),
      remove: () => directory.remove(),
    };
  },
});

storeContract({
  name: "SQLite in memory",
  durable: false,
  make: () => ({ own: learningInMemory, visit: unseen, remove: () => {} }),
});

storeContract({
  name: "a backend as asynchronous as a server",
  durable: true,
  make: () => {
    const place = new MemoryPlace();
    return {
      own: (options) => place.own(options),
      visit: (access, options) => place.visit(access, options),
      remove: () => {},
    };
  },
});

function unseen(): never {
  throw new Error("nobody else sees what is in memory");
}
