/** Files that routes name: templates of error pages and bodies of fixed responses. */
import type { RouteSpec } from "../../protocol/route.ts";
import type { RouteConfig } from "../config.ts";
import { readText } from "../sources/text.ts";
import { routePath } from "./path.ts";

/** As large as what one answer may hold in memory. */
const MAX_BYTES = 64 * 1024;

/** The files of a route, to be watched. */
export function filesOf({ action, errorPages }: RouteConfig): readonly string[] {
  const body = action.kind === "respond" && action.bodyFile !== null ? [action.bodyFile] : [];
  return [...body, ...errorPages.map(({ file }) => file)];
}

/** The route with the texts of its files; what is wrong with them is told. */
export function withFiles(route: RouteConfig, number: number, problem: (sentence: string) => void): RouteSpec {
  const read = (key: string, file: string): string => {
    try {
      return readText(file, MAX_BYTES);
    } catch (error) {
      problem(`${routePath(route.name)}.${key}: ${file}${(error as Error).message}`);
      return "";
    }
  };
  const { action, errorPages } = route;
  return {
    ...route,
    number,
    action: action.kind === "respond" ? withBody(action, read) : action,
    errorPages: errorPages.map(({ file, ...page }) => ({ ...page, template: read("error_pages", file) })),
  };
}

type Respond = Extract<RouteConfig["action"], { readonly kind: "respond" }>;

function withBody({ bodyFile, ...action }: Respond, read: (key: string, file: string) => string) {
  return bodyFile === null ? action : { ...action, body: read("respond.body_file", bodyFile) };
}
