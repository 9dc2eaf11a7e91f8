/** Colours for canvases, as the style sheet has them for the present scheme. */
import { signal } from "@preact/signals";

/** Grows when the scheme changes: who has drawn draws again. */
export const schemeVersion = signal(0);

for (const query of ["(prefers-color-scheme: dark)", "(prefers-contrast: more)"]) {
  matchMedia(query).addEventListener("change", () => {
    cache.clear();
    schemeVersion.value++;
  });
}

const cache = new Map<string, string>();

/** `--series-1` of the style sheet. */
export function colour(name: string): string {
  let value = cache.get(name);
  if (value === undefined) {
    value = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    cache.set(name, value);
  }
  return value;
}
