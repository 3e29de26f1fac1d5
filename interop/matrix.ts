/** The matrix as a Markdown table, and below it what is behind each cell. */
import type { Cells, Offerer, Verdict } from "./call.js";
import type { Column } from "./peer.js";

export interface Row {
  readonly peer: string;
  readonly offerer: Offerer;
  readonly cells: Cells;
}

const COLUMNS: readonly (readonly [Column, string])[] = [
  ["video", "video"],
  ["vp8", "VP8"],
  ["simulcast", "simulcast"],
  ["audio", "audio"],
  ["g711", "G.711"],
  ["trickle", "trickle"],
  ["restart", "ICE restart"],
  ["renegotiation", "renegotiation"],
  ["weClose", "we close"],
  ["theyClose", "they close"],
  ["data", "data channel"],
  ["relay", "relay only"],
  ["tcp", "TCP only"],
  ["rtx", "RTX"],
  ["fec", "FEC"],
  ["whip", "WHIP"],
];

function mark(verdict: Verdict | undefined): string {
  if (verdict === undefined) return "–";
  return { proven: "yes", failed: "**no**", unsupported: "peer: no" }[verdict.kind];
}

function words(verdict: Verdict): string {
  if (verdict.kind === "proven") return verdict.proof;
  return verdict.kind === "failed"
    ? `FAILED: ${verdict.error}`
    : `unsupported by the peer: ${verdict.reason}`;
}

const side = (offerer: Offerer) => (offerer === "we" ? "we offer" : "they offer");

export function printMatrix(rows: readonly Row[]): string {
  const heads = ["peer", "offer", ...COLUMNS.map(([, title]) => title)];
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const table = rows.map(({ peer, offerer, cells }) =>
    line([peer, side(offerer), ...COLUMNS.map(([column]) => mark(cells[column]))]),
  );
  const proofs = rows.flatMap(({ peer, offerer, cells }) => [
    `${peer}, ${side(offerer)}:`,
    ...COLUMNS.flatMap(([column, title]) => {
      const verdict = cells[column];
      return verdict ? [`- ${title}: ${words(verdict)}`] : [];
    }),
    "",
  ]);
  return [line(heads), line(heads.map(() => "---")), ...table, "", ...proofs].join("\n");
}

export function failures(rows: readonly Row[]): number {
  return rows.flatMap(({ cells }) => Object.values(cells)).filter(({ kind }) => kind === "failed").length;
}
