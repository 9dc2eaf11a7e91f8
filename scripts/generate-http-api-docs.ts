/** Writes the tables of docs/http-api.md. Run it after a change of the admin API's routes; a test fails while they are stale. */
import { join } from "node:path";
import { withRouteTables } from "../src/control/admin/routes/docs.ts";

const path = join(import.meta.dir, "../docs/http-api.md");
await Bun.write(path, withRouteTables(await Bun.file(path).text()));
