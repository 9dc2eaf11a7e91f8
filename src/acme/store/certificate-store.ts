/** The certificates that we have, and beside each what is known of the tries for the next one: a restart must not forget to wait. */
import { X509Certificate } from "node:crypto";
import { statSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { certificateFile } from "../../shared/acme/files.ts";
import type { Issued } from "../authority/authority.ts";
import { readPrivateFile, replacePrivateFile } from "./private-file.ts";

const triesSchema = z.object({
  /** Of the CA, and what was asked for: with other settings a new one is asked for. */
  directoryUrl: z.string(),
  keyType: z.string(),
  failures: z.int().nonnegative(),
  lastError: z.object({ atMs: z.number(), message: z.string() }).nullable(),
  /** Milliseconds since the epoch; null = at once. */
  nextTryAtMs: z.number().nullable(),
});

/** What is known of the tries for a name. */
export type Tries = Readonly<z.infer<typeof triesSchema>>;

/** From when until when a certificate is valid, milliseconds since the epoch. */
export interface Validity {
  readonly fromMs: number;
  readonly expiresAtMs: number;
}

/** Those in one directory. */
export class CertificateStore {
  readonly #directory: string;
  readonly #mark: string;
  readonly #validities = new ReadFiles(validityOf);
  readonly #tries = new ReadFiles(triesOf);

  /** @param mark tells those apart that write at the same time. */
  constructor(directory: string, mark: string) {
    this.#directory = directory;
    this.#mark = mark;
  }

  /** Of the one that we have; `null` = none, or none that can be used. */
  validity(name: string): Validity | null {
    return this.#validities.read(certificateFile(this.#directory, name));
  }

  /** Keeps what a CA has given. Throws when it is not for this name or not of this key. */
  keep(name: string, { chainPem, keyPem }: Issued): Validity {
    const leaf = new X509Certificate(chainPem);
    if (leaf.checkHost(name) === undefined) throw new Error(`the CA's certificate is not for ${name}`);
    const validity = validityOf(chainPem);
    if (validity === null) throw new Error("the CA's certificate has no dates");
    const text = `${keyPem.trim()}\n${chainPem.trim()}\n`;
    replacePrivateFile(certificateFile(this.#directory, name), text, this.#mark);
    return validity;
  }

  /** `null` = nothing is known. What is damaged is as if it were not there: the next try writes it anew. */
  tries(name: string): Tries | null {
    return this.#tries.read(this.#pathOf(name));
  }

  noteTries(name: string, tries: Tries): void {
    replacePrivateFile(this.#pathOf(name), `${JSON.stringify(tries)}\n`, this.#mark);
  }

  #pathOf(name: string): string {
    return join(this.#directory, "tries", `${name}.json`);
  }
}

/** Files are asked for once a second, and change once in weeks. */
class ReadFiles<T> {
  readonly #parse: (text: string) => T | null;
  readonly #known = new Map<string, { readonly signature: string; readonly value: T | null }>();

  constructor(parse: (text: string) => T | null) {
    this.#parse = parse;
  }

  /** `null` = there is none, or none that can be used. */
  read(path: string): T | null {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat === undefined) return null;
    const signature = `${stat.ino} ${stat.mtimeMs} ${stat.size}`;
    const known = this.#known.get(path);
    if (known?.signature === signature) return known.value;
    const text = readPrivateFile(path);
    const value = text === null ? null : this.#parse(text);
    this.#known.set(path, { signature, value });
    return value;
  }
}

function triesOf(text: string): Tries | null {
  try {
    return triesSchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

function validityOf(pem: string): Validity | null {
  try {
    const { validFrom, validTo } = new X509Certificate(pem.slice(pem.indexOf("-----BEGIN CERTIFICATE-----")));
    const validity = { fromMs: Date.parse(validFrom), expiresAtMs: Date.parse(validTo) };
    return Number.isNaN(validity.fromMs) || Number.isNaN(validity.expiresAtMs) ? null : validity;
  } catch {
    return null;
  }
}
