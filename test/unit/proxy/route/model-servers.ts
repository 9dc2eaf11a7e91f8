/**
 * How servers read the path of a request, in the kinds that there are. Each makes of the bytes what it will route by; the
 * result is written as a path in normal form, so that it can be asked which route it would be.
 */
import { percent, withoutDotSegments } from "./reference.ts";

/** What a server makes of a path; `null` = it refuses it. */
export type Reads = (path: string) => string | null;

/** By what they are known for. */
export const MODEL_SERVERS: Readonly<Record<string, Reads>> = {
  "decodes segments, leaves dots (like Express)": (path) => path.split("/").map(decode).map(written).join("/"),
  "decodes the whole, leaves dots (like WSGI)": (path) => slashed(decode(path)),
  "decodes the whole, cleans it (like Go's path.Clean)": (path) => withoutDotSegments(merged(slashed(decode(path)))),
  "decodes and merges slashes (like nginx)": (path) => withoutDotSegments(merged(slashed(decode(path)))),
  "decodes, leaves double slashes (like nginx without merge_slashes)": (path) =>
    withoutDotSegments(slashed(decode(path))),
  "merges what is left of dot segments": (path) => merged(withoutDotSegments(slashed(decode(path)))),
  "strips parameters, decodes, turns backslashes (like Tomcat)": (path) =>
    withoutDotSegments(merged(slashed(decode(withoutParameters(path)).replaceAll("\\", "/")))),
  "strips parameters, leaves encoded slashes (like Tomcat by default)": (path) =>
    withoutDotSegments(merged(withoutParameters(path).split("/").map(decode).map(written).join("/"))),
  "decodes, then strips parameters (like Jetty once did)": (path) =>
    withoutDotSegments(slashed(withoutParameters(decode(path)))),
  "decodes twice, turns backslashes (like old IIS)": (path) =>
    withoutDotSegments(merged(slashed(decode(decode(path)).replaceAll("\\", "/")))),
  "ends at a NUL (like programs in C)": (path) => withoutDotSegments(slashed(upTo(decode(path), "\0"))),
  "asks another server with the decoded path": (path) =>
    withoutDotSegments(slashed(decode(upTo(decode(path), "?", "#")))),
  "cleans the path, decodes it and asks another server": (path) =>
    withoutDotSegments(merged(slashed(decode(withoutDotSegments(slashed(decode(path))))))),
  "resolves it as a reference, decodes and cleans it (like file servers on Node)": (path) => {
    const { pathname } = URL.parse(path, "http://server.test") ?? {};
    return pathname === undefined ? null : withoutDotSegments(merged(slashed(decode(pathname))));
  },
  "resolves it as a reference (like new URL(request.url, base))": (path) =>
    URL.parse(path, "http://server.test")?.pathname.split("/").map(decode).map(written).join("/") ?? null,
  "removes dot segments as they stand, then decodes": (path) => slashed(decode(withoutDotSegments(path))),
};

/** Decoded once, as one character per byte; what encodes nothing stays. */
function decode(text: string): string {
  return text.replace(/%([0-9a-fA-F]{2})/g, (_, digits) => String.fromCharCode(Number.parseInt(digits, 16)));
}

/** A decoded segment as it stands in a path in normal form. */
function written(segment: string): string {
  return segment.replace(/[^A-Za-z0-9\-._~!$&'()*+,;=:@]/g, percent);
}

/** A decoded path, in which every slash separates. */
function slashed(text: string): string {
  return text.split("/").map(written).join("/");
}

function merged(path: string): string {
  return path.replace(/\/+/g, "/");
}

function withoutParameters(path: string): string {
  return path.replace(/;[^/]*/g, "");
}

function upTo(text: string, ...ends: string[]): string {
  const at = ends.map((end) => text.indexOf(end)).filter((index) => index >= 0);
  return at.length === 0 ? text : text.slice(0, Math.min(...at));
}
