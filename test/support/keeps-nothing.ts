/** Settings of an instance that keeps nothing of its traffic: for tests that are about something else. */

/** No recorder, and no learner for its samples alone. A test that is about what is kept says otherwise. */
export const KEEPS_NOTHING: Readonly<Record<string, string>> = { HISTORY: "off", LEARNING_SAMPLES: "off" };
