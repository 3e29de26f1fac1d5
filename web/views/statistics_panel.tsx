import { useEffect, useState } from "preact/hooks";
import { Statistics, type StatisticsRow } from "../statistics.js";

const PERIOD_MS = 1000;

/** The numbers of the call, once a second while they are shown. */
export function StatisticsPanel({ connection }: { readonly connection: RTCPeerConnection }) {
  const [rows, setRows] = useState<readonly StatisticsRow[]>([]);
  useEffect(() => {
    const statistics = new Statistics(connection);
    const read = (): void => void statistics.read().then(setRows, () => {});
    read();
    const timer = setInterval(read, PERIOD_MS);
    return () => clearInterval(timer);
  }, [connection]);
  return (
    <section class="statistics" aria-label="Statistics" data-testid="statistics">
      <table>
        <thead>
          <tr>
            <td />
            <th scope="col">sent</th>
            <th scope="col">received</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ label, sent, received }) => (
            <tr key={label}>
              <th scope="row">{label}</th>
              <td>{sent}</td>
              <td>{received}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
