/** The acts on a server as buttons. */
import type { ServerRow } from "../../model/server-list.ts";
import { ActButton } from "../../widgets/controls.tsx";
import { activate, changeCapacity, changeWeight, drain, maintain, remove } from "./acts.ts";

/** All of them, those first that fit its state. */
export function ServerActs({ server }: { readonly server: ServerRow }) {
  const out = server.state === "draining" || server.state === "maintenance";
  return (
    <div class="row">
      {out ? (
        <ActButton class="primary" onPress={() => activate(server)}>
          Make active
        </ActButton>
      ) : (
        <ActButton onPress={() => drain(server)}>Drain</ActButton>
      )}
      {server.state !== "maintenance" && <ActButton onPress={() => maintain(server)}>Maintenance</ActButton>}
      <ActButton onPress={() => changeWeight(server)}>Weight</ActButton>
      <ActButton onPress={() => changeCapacity(server)}>Capacity</ActButton>
      <ActButton class="danger" onPress={() => remove(server)}>
        Remove
      </ActButton>
    </div>
  );
}
