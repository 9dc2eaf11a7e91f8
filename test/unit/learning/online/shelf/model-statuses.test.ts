import { describe, expect, test } from "bun:test";
import { ModelStatuses } from "../../../../../src/learning/online/shelf/model-statuses.ts";
import { StoreError } from "../../../../../src/storage/store-error.ts";

describe("statuses of models", () => {
  test("wait while the store fails, and are written in their order when it works; what is gone is left out", async () => {
    const written: unknown[][] = [];
    let broken = true;
    const statuses = new ModelStatuses({
      setModelStatus: async (...change) => {
        if (broken) throw new StoreError("disk_full", "the disk is full");
        if (change[0] === 9) throw new RangeError("there is no model 9");
        written.push(change.slice(0, 2));
      },
    });
    statuses.set(1, "shadow", 5);
    statuses.set(9, "canary", 6);
    statuses.set(-1, "champion", 7); // a remote model: the store does not have it
    statuses.set(1, "champion", 8, { outgoing: "rejected" });
    await statuses.write();
    expect(statuses.waiting).toBe(3);
    broken = false;
    await Promise.all([statuses.write(), statuses.write()]);
    expect(written).toEqual([
      [1, "shadow"],
      [1, "champion"],
    ]);
    expect(statuses.waiting).toBe(0);
  });
});
