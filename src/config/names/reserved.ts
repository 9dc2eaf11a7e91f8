/**
 * Names that belong to the product's contract and that this version has no use for. They are accepted, so that an
 * environment can be shared between versions, and reported once at start, so that nobody believes they work.
 */

/** A setting of a feature that this version does not have. */
export interface ReservedSetting {
  readonly env: string;
  /** What its feature will take when unset; a value equal to it asks for nothing. */
  readonly default: string | null;
}

/** A feature that this version does not have. */
export interface ReservedFeature {
  /** Begins a sentence: "… is not supported by this version". */
  readonly title: string;
  readonly settings: readonly ReservedSetting[];
}

function reserve(title: string, ...settings: readonly (readonly [string, string?])[]): ReservedFeature {
  return {
    title,
    settings: settings.map(([env, value = null]) => ({ env, default: value })),
  };
}

/** The features, with their names and defaults. */
export const RESERVED_FEATURES: readonly ReservedFeature[] = [
  reserve("A configuration file of OpenTelemetry", ["OTEL_CONFIG_FILE"], ["OTEL_EXPERIMENTAL_CONFIG_FILE"]),
  reserve(
    "A limit of what spans count",
    ["OTEL_ATTRIBUTE_COUNT_LIMIT", "128"],
    ["OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "128"],
    ["OTEL_SPAN_EVENT_COUNT_LIMIT", "128"],
    ["OTEL_SPAN_LINK_COUNT_LIMIT", "128"],
  ),
];

/**
 * Names that are hardly ever a typing mistake: the standard variables of OpenTelemetry are many and often set for a whole
 * cluster, those of the server for trials belong to `neurabalancer backend`, and Kubernetes tells its pods of services in some.
 */
export const FOREIGN_PREFIXES: readonly string[] = ["OTEL_", "BACKEND_", "KUBERNETES_"];
