/** Small pictures, drawn in the colour of the text around them; they say nothing that words beside them don't. */

const PATHS = {
  overview: "M3 12h4l3-8 4 16 3-8h4",
  servers: "M4 5h16v5H4zM4 14h16v5H4zM8 7.5h.01M8 16.5h.01",
  routes: "M4 12h5c4 0 3-6 7-6h4M9 12c4 0 3 6 7 6h4M17 3l3 3-3 3M17 15l3 3-3 3",
  learning: "M4 19V5M4 19h16M8 15l3-4 3 2 5-7",
  timeline: "M12 4v16M12 7h6M12 12H6M12 17h6",
  requests: "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14M16 16l4 4",
  changes: "M5 7h11l-3-3M19 17H8l3 3",
  settings: "M4 7h9M17 7h3M4 17h3M11 17h9M13 4v6M7 14v6",
  close: "M6 6l12 12M18 6L6 18",
  flask: "M9 3h6M10 3v6l-5 9a2 2 0 0 0 2 3h10a2 2 0 0 0 2-3l-5-9V3",
} as const;

/** Their names. */
export type IconName = keyof typeof PATHS;

/** 16 pixels high. */
export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg width="16" height="16" viewBox="0 0 24 24" fill="none" stroke="currentColor" aria-hidden="true">
      <path d={PATHS[name]} stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round" />
    </svg>
  );
}
