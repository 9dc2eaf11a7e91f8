/** The sources there are. To add one: its file here beside, a line below, and how it is written in config/servers/schemes.ts. */
import type { SourceKind } from "../../../config/servers/schemes.ts";
import type { ServerSpec } from "../../../shared/server-spec.ts";
import type { DiscoverySource, SourceContext, SourceFactory } from "../source.ts";
import { kubernetesSource } from "./kubernetes.ts";
import { namesSource } from "./names.ts";
import { srvSource } from "./srv.ts";
import { staticSource } from "./static.ts";

/** By `ServerSpec.source`. */
export const SOURCES: Readonly<Record<SourceKind, SourceFactory>> = {
  static: staticSource,
  names: namesSource,
  srv: srvSource,
  kubernetes: kubernetesSource,
};

/** The source of a configured server. */
export function openSource(spec: ServerSpec, context: SourceContext): DiscoverySource {
  return SOURCES[spec.source as SourceKind](spec, context); // there is no other way to write one
}
