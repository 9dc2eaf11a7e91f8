/** Whether a tag may become a release: it says the version that the files have. Pure. */

/** A version that a tag names. */
export interface TaggedVersion {
  /** `0.2.0`, `1.0.0-rc.1`. */
  readonly version: string;
  /** Shown as a pre-release, and never deployed by itself. */
  readonly isPrerelease: boolean;
}

/** A place that says the version, and what it says. */
export interface Stated {
  /** Where a person would look: `package.json`. */
  readonly where: string;
  readonly version: unknown;
}

/**
 * Versions after https://semver.org, less build metadata: a `+` may stand in no tag of an image. The parts of a pre-release
 * are letters, digits and hyphens, and numbers have no leading zeros.
 */
const VERSION =
  /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-(0|[1-9]\d*|\d*[a-zA-Z-][\dA-Za-z-]*)(\.(0|[1-9]\d*|\d*[a-zA-Z-][\dA-Za-z-]*))*)?$/;

/** @throws when the tag is not `v` and a semantic version without build metadata. */
export function versionOf(tag: string): TaggedVersion {
  const version = tag.startsWith("v") ? tag.slice(1) : "";
  const match = VERSION.exec(version);
  if (match === null)
    throw new Error(`the tag ${JSON.stringify(tag)} is not v and a version such as v1.2.3 or v1.2.3-rc.1`);
  return { version, isPrerelease: match[4] !== undefined };
}

/** Places that say another version, one line each. */
export function contradictions(version: string, stated: readonly Stated[]): string[] {
  return stated
    .filter((each) => each.version !== version)
    .map(({ where, version: other }) => `${where} says ${other === undefined ? "nothing" : JSON.stringify(other)}`);
}
