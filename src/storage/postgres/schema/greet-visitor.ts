/** What a visitor's session needs before it is used. */
import type { PostgresLocation } from "../location.ts";
import type { Session } from "../wire/session.ts";
import { readSchema, requireCurrent } from "./state.ts";
import { POSTGRES_STEPS } from "./tables.ts";

/** Looks whether the tables are as this version reads them; who only reads may not change them by mistake either. */
export async function greetVisitor(session: Session, where: PostgresLocation, access: "read" | "write"): Promise<void> {
  requireCurrent(await readSchema(session, where), POSTGRES_STEPS.at(-1)!.version, where);
  if (access === "read") await session.query("SELECT set_config('default_transaction_read_only', 'on', false)");
}
