/** The page as it is served: what the process that bundles it hands to the supervisor. */

/** One file. */
export interface BundledFile {
  /** `/` for the document, else `/assets/<name>-<hash>.<ending>`: whatever has such a name never changes. */
  readonly path: string;
  readonly type: string;
  /** In base64, as it is and as gzip. */
  readonly body: string;
  readonly gzip: string;
  /** Of its bytes. */
  readonly hash: string;
}

/** What came of it. `problem`: why there is no page, for an operator. */
export type BundleResult = { readonly files: readonly BundledFile[] } | { readonly problem: string };
