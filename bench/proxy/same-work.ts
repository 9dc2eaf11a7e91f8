/**
 * Do all proxies do the same work? One request goes through each before anything is measured, and what reaches the
 * server and the client is looked at.
 */
import { connect } from "node:net";
import { SITE } from "../load/requests.ts";
import type { RunningProxy } from "./proxies.ts";

/** Fields that a server must get. The client of the check sends false ones, which must not survive. */
const TO_SERVER: readonly (readonly [name: string, value: RegExp])[] = [
  ["host", /^bench\.example\.com$/],
  ["x-forwarded-for", /^127\.0\.0\.1$/],
  ["x-forwarded-proto", /^http$/],
  ["x-forwarded-host", /^bench\.example\.com$/],
  ["forwarded", /^for=127\.0\.0\.1;host="bench\.example\.com";proto=http$/],
  ["via", /^1\.1 \S+$/],
  ["x-request-id", /^[0-9a-f-]{32,36}$/i],
];

const REQUEST = [
  "GET /echo HTTP/1.1",
  `Host: ${SITE}`,
  "X-Forwarded-For: 6.6.6.6",
  "X-Request-Id: forged",
  "Connection: close",
  "\r\n",
].join("\r\n");

/** What a proxy does differently from the others, one sentence each. */
export async function checkWork({ peer, port, accessLog }: RunningProxy): Promise<string[]> {
  // Once per peer is enough: both of its processes have the same configuration but for the log.
  if (!peer.proxies || !accessLog) return [];
  const answer = await ask(port, peer.title);
  const blank = answer.indexOf("\r\n\r\n");
  return differences(peer.title, answer.slice(blank + 4));
}

/** Compares the request head that the server saw with what is asked of a proxy. */
export function differences(title: string, requestHead: string): string[] {
  const found: string[] = [];
  for (const [name, pattern] of TO_SERVER) {
    const values = valuesOf(requestHead, name);
    if (values.length !== 1 || !pattern.test(values[0])) {
      found.push(`note: ${title} sends ${name}: ${values.length === 0 ? "nothing" : values.join(" | ")}`);
    }
  }
  return found;
}

function valuesOf(head: string, name: string): string[] {
  const values: string[] = [];
  for (const line of head.split("\r\n").slice(1)) {
    const colon = line.indexOf(":");
    if (line.slice(0, colon).toLowerCase() === name) values.push(line.slice(colon + 1).trim());
  }
  return values;
}

function ask(port: number, title: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = "";
    const socket = connect(port, "127.0.0.1", () => socket.write(REQUEST));
    socket.setEncoding("latin1").setTimeout(5000, () => socket.destroy(new Error(`${title} does not end its answer`)));
    socket.on("data", (text: string) => {
      answer += text;
    });
    socket.on("end", () => resolve(answer)).on("error", reject);
  });
}
