/** Distributions of the work in a request, each of mean 1: the scenario's `meanMs` scales them. */

export type ServiceDistribution =
  | { readonly kind: "constant" }
  | { readonly kind: "exponential" }
  /** `sigma` is the standard deviation of the logarithm: 1 gives a coefficient of variation of 1.31. */
  | { readonly kind: "lognormal"; readonly sigma: number }
  /** A `share` of the requests takes `ratio` times as long as the others. */
  | { readonly kind: "bimodal"; readonly share: number; readonly ratio: number }
  /** Bounded Pareto: tail index `alpha` (≠ 1), longest `ratio` times the shortest. */
  | { readonly kind: "pareto"; readonly alpha: number; readonly ratio: number };

/** A sampler of mean 1. Each call takes the same number of variates of `random`, so that streams stay in step. */
export function serviceSampler(distribution: ServiceDistribution, random: () => number): () => number {
  switch (distribution.kind) {
    case "constant":
      return () => 1;
    case "exponential":
      return () => -Math.log(1 - random());
    case "lognormal": {
      const { sigma } = distribution;
      const mu = -(sigma * sigma) / 2;
      return () => Math.exp(mu + sigma * normal(random));
    }
    case "bimodal": {
      const { share, ratio } = distribution;
      const short = 1 / (1 - share + share * ratio);
      return () => (random() < share ? short * ratio : short);
    }
    case "pareto": {
      const { alpha, ratio } = distribution;
      const cut = 1 - ratio ** -alpha;
      const mean = ((alpha / (alpha - 1)) * (1 - ratio ** (1 - alpha))) / cut;
      return () => (1 - random() * cut) ** (-1 / alpha) / mean;
    }
  }
}

/** A standard normal variate (Box & Muller 1958); the second of the pair is not kept, so as to keep no state. */
function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
