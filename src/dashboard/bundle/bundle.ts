/** Bundles the page with the runtime's own bundler: one document, and what it loads under names that say what is in them. */
import { fileURLToPath } from "node:url";
import type { BundledFile, BundleResult } from "./bundled-page.ts";

/** The document that the page begins with. */
export const PAGE = fileURLToPath(new URL("../page/index.html", import.meta.url));
const ASSETS = "/assets/";

/** Never rejects: what is wrong is in the result. @param entry path of the document. */
export async function bundlePage(entry: string = PAGE): Promise<BundleResult> {
  try {
    const { success, outputs, logs } = await Bun.build({
      entrypoints: [entry],
      target: "browser",
      minify: true,
      splitting: true,
      sourcemap: "none",
      publicPath: ASSETS,
      define: { "process.env.NODE_ENV": '"production"' },
      naming: { entry: "[name].[ext]", chunk: "[name]-[hash].[ext]", asset: "[name]-[hash].[ext]" },
    });
    if (!success) return { problem: logs.map(String).join("\n") };
    return { files: await Promise.all(outputs.map(fileOf)) };
  } catch (error) {
    const { errors } = error as { readonly errors?: readonly unknown[] };
    return { problem: (errors ?? [error]).map(String).join("\n") };
  }
}

async function fileOf(output: Bun.BuildArtifact): Promise<BundledFile> {
  const bytes = new Uint8Array(await output.arrayBuffer());
  const name = output.path.replace(/^.*\//, "");
  return {
    path: name.endsWith(".html") ? "/" : ASSETS + name,
    type: output.type || "application/octet-stream",
    body: Buffer.from(bytes).toString("base64"),
    gzip: Buffer.from(Bun.gzipSync(bytes, { level: 9 })).toString("base64"),
    hash: new Bun.CryptoHasher("sha256").update(bytes).digest("hex").slice(0, 32),
  };
}
