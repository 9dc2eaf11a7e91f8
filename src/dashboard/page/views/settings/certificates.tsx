/** Certificates and for how long they are still good. */
import { nowMs, topology } from "../../app/live.ts";
import { duration } from "../../model/format/times.ts";
import { Badge, Time } from "../../widgets/text.tsx";

const DAY_MS = 86_400_000;

/** Nothing where there is none. */
export function Certificates() {
  const { certificates } = topology.value!;
  if (certificates.length === 0) return null;
  return (
    <section class="card" aria-labelledby="certificates">
      <header>
        <h2 id="certificates">Certificates</h2>
      </header>
      <div class="scroll">
        <table class="table">
          <thead>
            <tr>
              <th scope="col">Name</th>
              <th scope="col">State</th>
              <th scope="col">Good until</th>
            </tr>
          </thead>
          <tbody>
            {certificates.map(({ name, expires }) => {
              const left = expires - nowMs.value;
              return (
                <tr key={name}>
                  <th scope="row">{name}</th>
                  <td>
                    <Badge tone={left < 0 ? "bad" : left < 14 * DAY_MS ? "warn" : "ok"}>
                      {left < 0 ? "has ended" : `${duration(left)} left`}
                    </Badge>
                  </td>
                  <td>
                    <Time ms={expires} />
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
    </section>
  );
}
