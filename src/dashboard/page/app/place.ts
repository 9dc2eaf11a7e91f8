/** Where the reader is, as a signal. */
import { signal } from "@preact/signals";
import { addressOf, type Place, placeOf } from "./router.ts";

/** The present place. */
export const place = signal<Place>(placeOf(location.hash));

addEventListener("hashchange", () => {
  const before = place.value;
  place.value = placeOf(location.hash);
  if (before.view === place.value.view) return;
  scrollTo(0, 0);
  // Whoever does not see the page hears where it is now.
  document.querySelector<HTMLElement>("main")?.focus({ preventScroll: true });
});

/** Changes what is asked for within the view, without a step in the browser's history. */
export function setQuery(change: Place["query"]): void {
  const { view, item, query } = place.value;
  const address = addressOf(view, item, { ...query, ...change });
  history.replaceState(null, "", address);
  place.value = placeOf(address);
}
