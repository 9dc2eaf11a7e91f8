/** Our accounts, one for each CA: by its directory's address, so that trying another CA keeps the account of the first. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { z } from "zod";
import { readPrivateFile, replacePrivateFile } from "./private-file.ts";

const accountSchema = z.object({ keyPem: z.string().startsWith("-----BEGIN"), url: z.url().nullable() });

/** An account. `url` is null until the CA has made it. */
export type Account = Readonly<z.infer<typeof accountSchema>>;

/** Those in one directory. */
export class AccountStore {
  readonly #directory: string;
  readonly #mark: string;

  /** @param mark tells those apart that write at the same time. */
  constructor(directory: string, mark: string) {
    this.#directory = join(directory, "accounts");
    this.#mark = mark;
  }

  /** `null` where there is none. Throws an `Error` for the operator: a key that cannot be read is not thrown away. */
  read(directoryUrl: string): Account | null {
    const path = this.#pathOf(directoryUrl);
    const text = readPrivateFile(path);
    if (text === null) return null;
    try {
      return accountSchema.parse(JSON.parse(text));
    } catch {
      throw new Error(`${path} is damaged: mend it, or remove it for a new account`);
    }
  }

  write(directoryUrl: string, account: Account): void {
    replacePrivateFile(this.#pathOf(directoryUrl), `${JSON.stringify(account)}\n`, this.#mark);
  }

  #pathOf(directoryUrl: string): string {
    const digest = createHash("sha256").update(directoryUrl).digest("hex").slice(0, 16);
    return join(this.#directory, `${digest}.json`);
  }
}
