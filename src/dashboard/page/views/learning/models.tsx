/** The models of a pool, newest first. */
import { useAsked } from "../../app/asked.ts";
import { ActButton } from "../../widgets/controls.tsx";
import { Badge, Empty, Time } from "../../widgets/text.tsx";
import { orderModel } from "./acts.ts";

interface Model {
  readonly version: number;
  readonly origin: string;
  readonly status: string;
  readonly parent_version: number | null;
  readonly created_at: string | null;
  readonly promoted_at: string | null;
}

const EVERY_MS = 15_000;

/** A table. */
export function Models({ pool, champion }: { readonly pool: string; readonly champion: number | null }) {
  const { body, error } = useAsked<{ models: Model[] }>(
    `/api/v1/ml/models?limit=20&pool=${encodeURIComponent(pool)}`,
    EVERY_MS,
  );
  const models = body?.models ?? [];
  return (
    <section class="card" aria-label={`Models of pool ${pool}`}>
      <header>
        <h3>Models</h3>
      </header>
      {models.length === 0 ? (
        <Empty>{error ?? "No model of its own yet: the shipped one serves."}</Empty>
      ) : (
        <div class="scroll">
          <table class="table">
            <thead>
              <tr>
                <th scope="col">Version</th>
                <th scope="col">State</th>
                <th scope="col">Made of</th>
                <th scope="col">Made</th>
                <th scope="col">Promoted</th>
                <th scope="col">
                  <span class="hidden">Acts</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {models.map((model) => (
                <tr key={model.version}>
                  <th scope="row">{model.version}</th>
                  <td>
                    <Badge tone={model.version === champion ? "ok" : "idle"}>{model.status}</Badge>
                  </td>
                  <td>
                    {model.origin}
                    {model.parent_version !== null && <span class="dim"> · from {model.parent_version}</span>}
                  </td>
                  <td>{model.created_at === null ? "–" : <Time ms={Date.parse(model.created_at)} />}</td>
                  <td>{model.promoted_at === null ? "–" : <Time ms={Date.parse(model.promoted_at)} />}</td>
                  <td class="num">
                    <span class="row end">
                      <ActButton
                        class="small"
                        label={`Promote model ${model.version}`}
                        onPress={() => orderModel("promote", model.version, pool)}
                      >
                        Promote
                      </ActButton>
                      <ActButton
                        class="small"
                        label={`Reject model ${model.version}`}
                        onPress={() => orderModel("reject", model.version, pool)}
                      >
                        Reject
                      </ActButton>
                    </span>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
