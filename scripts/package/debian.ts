/** The package for Debian and its kin: the tree in /usr/lib, the service, its user, and its settings in /etc. */
import {
  chmodSync,
  cpSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { completeTree, versionOf } from "./archive.ts";
import { epochSeconds, ROOT, run } from "./run.ts";

const ARCHITECTURES: Readonly<Record<string, string>> = { x64: "amd64", arm64: "arm64" };
const MAINTAINER = "The NeuraBalancer authors <neurabalancer@users.noreply.github.com>";
const LIB = "usr/lib/neurabalancer";
const DOC = "usr/share/doc/neurabalancer";
/** Where parts of the tree belong on Debian: from `deployments/systemd/`, unless they say more. */
const PLACES: Readonly<Record<string, string>> = {
  "deployments/systemd/neurabalancer.service": "usr/lib/systemd/system/neurabalancer.service",
  "deployments/systemd/neurabalancer.sysusers.conf": "usr/lib/sysusers.d/neurabalancer.conf",
  "deployments/systemd/neurabalancer.env": "etc/neurabalancer/neurabalancer.env",
};

/** Makes the package in `out`, compressed a little only: the best takes ten times as long. @returns its file. */
export function buildDebianPackage(out: string, scratch: string): string {
  const architecture = ARCHITECTURES[process.arch];
  if (architecture === undefined) throw new Error(`Debian's name of ${process.arch} is not known here`);
  const root = join(scratch, "root");
  const tree = completeTree(scratch);
  const version = versionOf(tree);
  cpSync(tree, join(root, LIB), { recursive: true, verbatimSymlinks: true });
  for (const [from, to] of Object.entries(PLACES)) put(root, to, readFileSync(join(tree, from)));
  mkdirSync(join(root, "usr/bin"), { recursive: true });
  symlinkSync("../lib/neurabalancer/bin/neurabalancer", join(root, "usr/bin/neurabalancer"));
  const date = run("date", ["-u", "-R", "-d", `@${epochSeconds()}`]).trim();
  put(root, `${DOC}/changelog.gz`, packed(debianChangelog(version, date)));
  put(root, `${DOC}/CHANGELOG.md.gz`, packed(readFileSync(join(tree, "CHANGELOG.md"), "utf8")));
  put(
    root,
    "usr/share/lintian/overrides/neurabalancer",
    readFileSync(join(ROOT, "scripts/package/debian/lintian-overrides")),
  );
  put(root, `${DOC}/copyright`, copyright(readFileSync(join(tree, "LICENSE"), "utf8")));
  writeControl(root, version, architecture);
  const file = join(out, `neurabalancer_${version}_${architecture}.deb`);
  normalise(root);
  run("env", [
    `SOURCE_DATE_EPOCH=${epochSeconds()}`,
    "dpkg-deb",
    "--build",
    "--root-owner-group",
    "-Zxz",
    "-z1",
    root,
    file,
  ]);
  return file;
}

function writeControl(root: string, version: string, architecture: string): void {
  const kilobytes = run("du", ["-sk", "--apparent-size", root]).split("\t")[0];
  const control = readFileSync(join(ROOT, "scripts/package/debian/control"), "utf8")
    .replace("@VERSION@", version)
    .replace("@ARCHITECTURE@", architecture)
    .replace("@INSTALLED_SIZE@", kilobytes)
    .replace("@MAINTAINER@", MAINTAINER);
  put(root, "DEBIAN/control", control);
  put(root, "DEBIAN/conffiles", "/etc/neurabalancer/neurabalancer.env\n");
  for (const script of ["postinst", "prerm", "postrm"]) {
    put(root, `DEBIAN/${script}`, readFileSync(join(ROOT, "scripts/package/debian", script)));
    chmodSync(join(root, "DEBIAN", script), 0o755);
  }
}

function put(root: string, path: string, content: string | Uint8Array): void {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
}

function packed(text: string): Uint8Array {
  return gzipSync(text, { level: 9 });
}

function debianChangelog(version: string, date: string): string {
  return `neurabalancer (${version}) stable; urgency=medium\n\n  * See CHANGELOG.md.gz.\n\n -- ${MAINTAINER}  ${date}\n`;
}

function copyright(license: string): string {
  return `NeuraBalancer, https://github.com/neurabalancer/neurabalancer

${license}
Packages of others below /${LIB}/node_modules have their licenses with them:
/${LIB}/node_modules/*/LICENSE* and the field "license" of their package.json.
`;
}

/** Modes as Debian has them, whatever the umask and npm have made of them: nobody but root writes, everybody reads. */
function normalise(path: string): void {
  const stat = lstatSync(path);
  if (stat.isSymbolicLink()) return;
  if (stat.isDirectory()) {
    chmodSync(path, 0o755);
    for (const name of readdirSync(path)) normalise(join(path, name));
    return;
  }
  // Of others' packages Bun alone is a program that is run; the rest are scripts for Node.js.
  const runs = stat.mode & 0o111 && (!path.includes("/node_modules/") || path.endsWith("/bun.exe"));
  chmodSync(path, runs || path.endsWith(".sh") ? 0o755 : 0o644);
}
