/** Loaded before tests. With TEST_SEED property tests try the same inputs each time; without it others each time. */
import fc from "fast-check";

const { TEST_SEED } = process.env;
if (TEST_SEED !== undefined) {
  const seed = Number(TEST_SEED);
  if (!/^-?\d{1,10}$/.test(TEST_SEED) || seed !== (seed | 0)) {
    throw new Error(`TEST_SEED: "${TEST_SEED}" is no whole number from -2147483648 to 2147483647`);
  }
  fc.configureGlobal({ seed });
}
