/** Which of two ways the tables are kept apart by time: by PostgreSQL itself, or by its extension TimescaleDB. */

/** Chosen when the tables are made, and kept in `neurabalancer_schema`. */
export type Flavour = "plain" | "timescale";
