/** What is under trial on a route: both pools side by side, and the verdict so far. */
import { useAsked } from "../../app/asked.ts";
import { percent } from "../../model/format/numbers.ts";
import { ActButton } from "../../widgets/controls.tsx";
import { Badge } from "../../widgets/text.tsx";
import { endCanary } from "./acts.ts";

interface CanaryState {
  readonly pool: string;
  readonly percent: number;
  readonly state?: string;
  readonly verdict?: string | null;
  readonly sentence?: string;
  readonly why?: string;
}

const EVERY_MS = 5_000;

/** Nothing while nothing is under trial. */
export function CanaryRow({ route, columns }: { readonly route: string; readonly columns: number }) {
  const { body } = useAsked<CanaryState>(`/api/v1/routes/${encodeURIComponent(route)}/canary`, EVERY_MS);
  if (body?.pool === undefined) return null;
  return (
    <tr>
      <td colSpan={columns} class="wrap">
        <div class="row">
          <Badge tone="accent">canary</Badge>
          <span>
            {body.pool} with {percent(body.percent / 100)}. {body.sentence ?? body.why ?? body.verdict ?? ""}
          </span>
          <span class="row end">
            <ActButton class="small" onPress={() => endCanary(route, "promote")}>
              Promote
            </ActButton>
            <ActButton class="small danger" onPress={() => endCanary(route, "rollback")}>
              Roll back
            </ActButton>
          </span>
        </div>
      </td>
    </tr>
  );
}
