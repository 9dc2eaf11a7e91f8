/** How files are kept within their limits of size. */

/** Pages of 4 KB that are given back at a time. */
export const VACUUMED_PAGES = 256;
/** Share of the file's limit from which on the oldest rows go: room for what a transaction adds. */
export const USED_SHARE = 0.9;
/** Share of the limit that may lie free in the file, to be used again. */
export const FREE_SHARE = 0.05;
