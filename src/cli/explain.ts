/** `neurabalancer explain`: asks a running instance why a request went where it went. */
import type { Command } from "commander";
import type { Explanation } from "../shared/explanation.ts";
import { explanationText } from "./explain-text.ts";

const DEFAULT_ADMIN = "http://127.0.0.1:9090";
const TIMEOUT_MS = 5000;

const HELP = `
Asks the admin port of a running instance (ADMIN_PORT) with LB_STRATEGY=ml. It remembers each worker's last 4095 attempts,
and the features of the last ten seconds. A request's id is request_id in the access log; servers get it as X-Request-Id.

Examples:
  $ neurabalancer explain 5f2a7c0e9b1d4a638f0c2e7d1b9a4c65
  $ neurabalancer explain order-4711 --admin http://10.0.0.2:9090 --token "$ADMIN_TOKEN"
  $ neurabalancer explain 5f2a7c0e9b1d4a638f0c2e7d1b9a4c65 --json

Exit codes:
  0  done
  1  nobody answers there, or the request is not known there; standard error says which`;

interface ExplainFlags {
  readonly admin: string;
  readonly token?: string;
  readonly json?: boolean;
}

/** Adds the `explain` command to `program`. */
export function registerExplain(program: Command): void {
  program
    .command("explain")
    .description("show why a request went to its server (LB_STRATEGY=ml)")
    .argument("<request_id>", "as the access log has it")
    .option("--admin <url>", "where the instance's admin port is", DEFAULT_ADMIN)
    .option("--token <token>", "its ADMIN_TOKEN, where it has one")
    .option("--json", "print JSON")
    .addHelpText("after", HELP)
    .action(async (requestId: string, flags: ExplainFlags) => {
      const explanation = await askForExplanation(requestId, flags);
      console.log(flags.json === true ? JSON.stringify(explanation, null, 2) : explanationText(explanation));
    });
}

async function askForExplanation(requestId: string, { admin, token }: ExplainFlags): Promise<Explanation> {
  if (!URL.canParse(admin) || !/^https?:$/.test(new URL(admin).protocol)) {
    throw new Error(`--admin must be a URL such as ${DEFAULT_ADMIN}, not ${admin}`);
  }
  const url = new URL(`/api/v1/explain/${encodeURIComponent(requestId)}`, admin);
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  let response: Response;
  try {
    response = await fetch(url, { headers, signal: AbortSignal.timeout(TIMEOUT_MS) });
  } catch (cause) {
    throw new Error(`no admin port answers at ${url.origin}: ${(cause as Error).message}`, { cause });
  }
  const text = await response.text();
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw new Error(`${url.origin} answers ${response.status} without JSON: is that the admin port of an instance?`);
  }
  if (response.ok) return body as Explanation;
  const said = (body as { error?: { message?: string } }).error?.message ?? `it answers ${response.status}`;
  throw new Error(said);
}
