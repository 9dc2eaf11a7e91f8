/**
 * nginx's variables of upstreams are lists where a request was sent more than once: `, ` stands between the attempts in one
 * group of servers, ` : ` between groups after an internal redirect (documentation of ngx_http_upstream_module).
 */

/** The elements of such a list, in order; none of `-` and of an empty text. */
export function attemptsOf(list: string): string[] {
  if (list === "" || list === "-") return [];
  return list.split(/, | : /).map((element) => element.trim());
}

/** True for `10.0.0.1:80`, `[::1]:80`, `unix:/run/app.sock`: nginx names the group when none of its servers could be asked. */
export function isServerAddress(text: string): boolean {
  return text.startsWith("unix:") || /:\d+$/.test(text);
}

/** A time in seconds with three decimals, as milliseconds; NaN for `-` and what is no number. */
export function secondsAsMs(text: string): number {
  return /^\d+(\.\d+)?$/.test(text) ? Math.round(Number(text) * 1e6) / 1e3 : Number.NaN;
}
