/** What was decided about models, newest first, with why. */
import { useAsked } from "../../app/asked.ts";
import { Badge, Empty, Time } from "../../widgets/text.tsx";

interface Verdict {
  readonly at: string | null;
  readonly model_version: number | null;
  readonly kind: string;
  readonly reason: string;
}

const EVERY_MS = 15_000;

/** A list. */
export function Verdicts({ pool }: { readonly pool: string }) {
  const { body, error } = useAsked<{ verdicts: Verdict[] }>(
    `/api/v1/ml/verdicts?limit=8&pool=${encodeURIComponent(pool)}`,
    EVERY_MS,
  );
  const verdicts = body?.verdicts ?? [];
  return (
    <div class="card">
      <header>
        <h3>Verdicts</h3>
      </header>
      <div class="body">
        {verdicts.length === 0 ? (
          <Empty>{error ?? "Nothing was decided yet."}</Empty>
        ) : (
          <ol class="events brief">
            {verdicts.map((verdict) => (
              <li key={`${verdict.at} ${verdict.kind} ${verdict.model_version}`}>
                <Time ms={Date.parse(verdict.at ?? "")} />
                <Badge tone="info">{verdict.kind.replaceAll("_", " ")}</Badge>
                <p>
                  {verdict.model_version !== null && `Model ${verdict.model_version}: `}
                  {verdict.reason}
                </p>
              </li>
            ))}
          </ol>
        )}
      </div>
    </div>
  );
}
