/** Says where a change is made: where several instances share what operators change, on all of them unless it is said otherwise. */
import { useEffect, useState } from "preact/hooks";
import { api } from "../live.ts";

interface ClusterAnswer {
  readonly instances?: number;
  readonly shares?: readonly string[];
}

/** How many instances share changes with this one, itself included; 1 while that is not known, or it is alone. */
export function useInstances(isShared: boolean): number {
  const [instances, setInstances] = useState(1);
  useEffect(() => {
    if (!isShared) return;
    const abort = new AbortController();
    const show = ({ body }: { readonly body: ClusterAnswer | null }) => {
      if (body?.shares?.includes("changes")) setInstances(body.instances ?? 1);
    };
    api.get<ClusterAnswer | null>("/api/v1/cluster", abort.signal).then(show, () => {});
    return () => abort.abort();
  }, [isShared]);
  return instances;
}

interface ReachProps {
  readonly instances: number;
  readonly hereOnly: boolean;
  readonly onChange: (hereOnly: boolean) => void;
}

/** A sentence, and the way to the other one. */
export function Reach({ instances, hereOnly, onChange }: ReachProps) {
  return (
    <>
      <p class="reach">
        {hereOnly ? "It is made on this instance alone." : `It is made on all ${instances} instances.`}
      </p>
      <label class="row">
        <input type="checkbox" checked={hereOnly} onChange={(event) => onChange(event.currentTarget.checked)} />
        Only on this instance
      </label>
    </>
  );
}
