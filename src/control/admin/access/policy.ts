/** Who may use the admin port, as the configuration in force says. */
import type { AdminSettings } from "../../../config/sections/admin.ts";
import { isLoopback } from "../../../config/values/addresses.ts";
import { type KnownToken, tokensOf } from "./tokens.ts";

/** What is asked of requests. */
export interface AccessPolicy {
  /** None = only this machine's own may do more than reading metrics. */
  readonly tokens: readonly KnownToken[];
  /** The listener is only reached from this machine. */
  readonly loopbackOnly: boolean;
  /** Names, beside localhost and addresses, under which it may be reached: lower case. */
  readonly hosts: readonly string[];
}

/** The policy of these settings. @param host where it listens: that needs a restart to change. */
export function policyOf(
  settings: Pick<AdminSettings, "token" | "tokens" | "allowedHosts">,
  host: string,
): AccessPolicy {
  return {
    tokens: tokensOf(settings),
    loopbackOnly: isLoopback(host),
    hosts: settings.allowedHosts ?? [],
  };
}

/** The same for settings that may be others at any time, made once for each. */
export function policySource(settings: () => AdminSettings, host: string): () => AccessPolicy {
  let of: AdminSettings | null = null;
  let policy!: AccessPolicy;
  return () => {
    const now = settings();
    if (now !== of) policy = policyOf(now, host);
    of = now;
    return policy;
  };
}
