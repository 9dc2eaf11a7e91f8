/** Certificates for tests, made with openssl when they are first asked for. No key is ever part of the repository. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spawnSync } from "./processes.ts";

/** A certificate and its key as PEM texts. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

export interface Authority extends Certificate {
  /**
   * A server certificate that this authority vouches for.
   * @param names `DNS:api.test`, `IP:127.0.0.1`; the first is the common name too.
   */
  issue(...names: string[]): Certificate;
  /** As `issue`, of one that was valid until yesterday. */
  issueExpired(...names: string[]): Certificate;
  /** A list of revoked certificates, as PEM, with these in it. */
  revoke(...certificates: Certificate[]): string;
  /** An empty one that holds for so many seconds. */
  shortList(seconds: number): string;
}

/** Makes an authority of its own. */
export function createAuthority(name = "test authority"): Authority {
  return inDirectory((directory) => {
    newKey(directory, "ca");
    const subject = ["-subj", `/CN=${name}`, "-days", "30"];
    openssl(directory, "req", "-x509", "-key", "ca.key", ...subject, "-out", "ca.pem");
    const own = read(directory, "ca");
    return {
      ...own,
      issue: (...names: string[]) => issue(own, names, 30),
      issueExpired: (...names: string[]) => issue(own, names, -1),
      revoke: (...certificates: Certificate[]) => revoke(own, certificates),
      shortList: (seconds: number) => revoke(own, [], "-crlsec", `${seconds}`),
    };
  });
}

/** A certificate that nobody vouches for. */
export function createSelfSigned(...names: string[]): Certificate {
  return inDirectory((directory) => {
    newKey(directory, "own");
    const subject = ["-subj", `/CN=${commonName(names)}`, "-addext", `subjectAltName=${names.join(",")}`];
    openssl(directory, "req", "-x509", "-key", "own.key", ...subject, "-days", "30", "-out", "own.pem");
    return read(directory, "own");
  });
}

function issue(authority: Certificate, names: readonly string[], days: number): Certificate {
  return inDirectory((directory) => {
    writeFileSync(join(directory, "ca.pem"), authority.cert);
    writeFileSync(join(directory, "ca.key"), authority.key);
    writeFileSync(join(directory, "names"), `subjectAltName=${names.join(",")}`);
    newKey(directory, "leaf");
    openssl(directory, "req", "-new", "-key", "leaf.key", "-subj", `/CN=${commonName(names)}`, "-out", "leaf.csr");
    const by = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names"];
    openssl(directory, "x509", "-req", "-in", "leaf.csr", ...by, "-days", String(days), "-out", "leaf.pem");
    return read(directory, "leaf");
  });
}

const CA_SETTINGS = `[ca]
default_ca = own
[own]
database = index
crlnumber = number
default_crl_days = 30
default_md = sha256
`;

function revoke(authority: Certificate, certificates: readonly Certificate[], ...options: string[]): string {
  return inDirectory((directory) => {
    const put = (name: string, text: string) => writeFileSync(join(directory, name), text);
    put("ca.pem", authority.cert);
    put("ca.key", authority.key);
    put("settings", CA_SETTINGS);
    put("index", "");
    put("number", "01");
    const by = ["-config", "settings", "-cert", "ca.pem", "-keyfile", "ca.key"];
    for (const { cert } of certificates) {
      put("revoked.pem", cert);
      openssl(directory, "ca", ...by, "-revoke", "revoked.pem");
    }
    openssl(directory, "ca", ...by, "-gencrl", ...options, "-out", "list.pem");
    return readFileSync(join(directory, "list.pem"), "utf8");
  });
}

function commonName([first]: readonly string[]): string {
  return first.slice(first.indexOf(":") + 1);
}

function newKey(directory: string, name: string): void {
  openssl(directory, "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", `${name}.key`);
}

function read(directory: string, name: string): Certificate {
  const text = (file: string) => readFileSync(join(directory, file), "utf8");
  return { cert: text(`${name}.pem`), key: text(`${name}.key`) };
}

function openssl(cwd: string, ...args: string[]): void {
  const { exitCode, stderr } = spawnSync(["openssl", ...args], { cwd, stdout: "ignore", stderr: "pipe" });
  if (exitCode !== 0) throw new Error(`openssl ${args[0]}: ${stderr}`);
}

function inDirectory<T>(action: (directory: string) => T): T {
  const directory = mkdtempSync(join(tmpdir(), "neurabalancer-certificates-"));
  try {
    return action(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
