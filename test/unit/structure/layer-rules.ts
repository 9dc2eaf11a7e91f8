/** Folders whose parts stand in layers: imports run down, never up, and never from one part of a layer to another. */
import { importsOf } from "./import-rules.ts";
import type { SourceFile } from "./source-tokens.ts";

/** The layers of one folder. */
export interface Layers {
  /** Ends with a slash. */
  readonly folder: string;
  /** From the top to the bottom: folders (with a slash at the end) and files of each layer. */
  readonly layers: readonly (readonly string[])[];
}

/** The layered folders. */
export const LAYERED: readonly Layers[] = [
  {
    folder: "src/proxy/",
    layers: [
      ["worker.ts"],
      ["server.ts"],
      ["internal-error.ts"],
      ["listen/"],
      ["downstream/"],
      ["exchange/"],
      ["worker-context.ts"],
      ["routing/"],
      ["rate-limits/"],
      ["pool/"],
      ["local/", "pick/", "record/"],
      ["upstream/"],
      ["classes/", "compress/", "rewrite/", "route/"],
      ["http2/", "grpc/", "path/"],
      ["http1/", "sockets/"],
      ["outcome.ts"],
      ["failure.ts"],
    ],
  },
];

/** Imports that do not run down, as `path:line: …`, and parts that have no place. */
export function layerOffences({ folder, layers }: Layers, files: readonly SourceFile[]): string[] {
  const placeOf = (path: string): { part: string; layer: number } | null => {
    const inside = path.slice(folder.length);
    for (const [layer, parts] of layers.entries()) {
      const part = parts.find((each) => (each.endsWith("/") ? inside.startsWith(each) : inside === each));
      if (part !== undefined) return { part, layer };
    }
    return null;
  };
  return files
    .filter(({ path }) => path.startsWith(folder))
    .flatMap((file) => {
      const from = placeOf(file.path);
      if (from === null) return [`${file.path}: has no place in the layers of ${folder}`];
      return importsOf(file).flatMap(({ line, file: imported }) => {
        const to = imported?.startsWith(folder) ? placeOf(imported) : null;
        if (to === null || to.part === from.part || to.layer > from.layer) return [];
        const where = to.layer < from.layer ? "above" : "beside";
        return [`${file.path}:${line}: ${from.part} imports ${to.part}, which stands ${where} it`];
      });
    });
}
