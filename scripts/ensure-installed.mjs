/**
 * Makes sure that what package-lock.json asks for is installed, so that `npm start`, `npm run demo` and `npm test` work in
 * a fresh clone. Plain Node.js without dependencies. Says nothing when there is nothing to do.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/** Bun's package has a small placeholder where its install step puts the binary of about 100 MB. */
const SMALLEST_BINARY_BYTES = 1_000_000;
/** onnxruntime-node fetches nothing more than its package has: see .npmrc, which later versions of npm may not pass on. */
const INSTALL_ENVIRONMENT = { ONNXRUNTIME_NODE_INSTALL: "skip" };

/**
 * What is wrong with an installation, as a reason to give, or `null`.
 * npm notes what it installed in node_modules/.package-lock.json: that is compared, because times say little after a
 * checkout or in an image.
 */
export function reasonToInstall(root) {
  const installed = readJson(join(root, "node_modules", ".package-lock.json"));
  if (installed === null) return "the dependencies are not installed";
  const wanted = readJson(join(root, "package-lock.json"));
  if (wanted === null) return null;
  // An image may leave out what only developers need: then it has none of it.
  const developing = Object.values(installed.packages ?? {}).some(({ dev }) => dev);
  for (const [path, { version, optional, dev, link }] of Object.entries(wanted.packages ?? {})) {
    if (path === "" || link) continue;
    const found = installed.packages?.[path];
    // Optional ones are for other platforms.
    if (found === undefined && (optional || (dev && !developing))) continue;
    if (found?.version !== version) return `${path.replace(/^.*node_modules\//, "")} is not at ${version}`;
  }
  return null;
}

/** True when Bun's package is there and its binary is not, as after `npm install --ignore-scripts`. */
export function bunNeedsRepair(root) {
  const directory = join(root, "node_modules", "bun");
  if (!existsSync(join(directory, "install.js"))) return false;
  const binary = join(directory, "bin", "bun.exe"); // this name on every system
  return !existsSync(binary) || statSync(binary).size < SMALLEST_BINARY_BYTES;
}

function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return null;
  }
}

/** Runs a command in `root`; its output goes to standard error, because standard output belongs to the product. */
function run(root, command, args) {
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    stdio: ["ignore", 2, 2],
    env: { ...INSTALL_ENVIRONMENT, ...process.env },
  });
  if (error) console.error(`neurabalancer: cannot run ${command}: ${error.message}`);
  return status === 0;
}

function npm(root, ...args) {
  const cli = process.env.npm_execpath; // set when npm runs this; it is then a file for Node.js
  return cli?.endsWith(".js") ? run(root, process.execPath, [cli, ...args]) : run(root, "npm", args);
}

function main(root) {
  const reason = reasonToInstall(root);
  if (reason !== null) {
    console.error(`neurabalancer: ${reason}; running npm install …`);
    // Not `npm ci`: that refuses a lock file written where optional packages for other systems could not be seen. What
    // the lock file names is installed in the versions that it names, and --no-save leaves it as it is.
    if (!npm(root, "install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error")) {
      console.error(`neurabalancer: npm install failed. Mend what it says above, or run it yourself in ${root}`);
      return 1;
    }
  }
  if (bunNeedsRepair(root)) {
    console.error("neurabalancer: Bun's binary is missing; putting it in place …");
    const repaired = run(join(root, "node_modules", "bun"), process.execPath, ["install.js"]);
    if (!repaired || bunNeedsRepair(root)) {
      console.error(
        "neurabalancer: Bun could not be installed. Run npm install without --ignore-scripts and --omit=optional",
      );
      return 1;
    }
  }
  return 0;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  process.exitCode = main(join(dirname(fileURLToPath(import.meta.url)), ".."));
}
