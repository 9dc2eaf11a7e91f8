/** Loaded before tests. With TEST_SEED property tests try the same inputs each time; without it others each time. */
import fc from "fast-check";

const { TEST_SEED } = process.env;
if (TEST_SEED !== undefined) {
  if (!/^-?\d{1,9}$/.test(TEST_SEED))
    throw new Error(`TEST_SEED: "${TEST_SEED}" is no whole number of up to nine digits`);
  fc.configureGlobal({ seed: Number(TEST_SEED) });
}
