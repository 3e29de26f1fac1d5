import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { SIGNALING_ERROR_CODES } from "../../src/signaling/errors.js";
import { TABLES } from "../../src/signaling/messages.js";

/** dist/test/signaling → docs */
const page = readFileSync(new URL("../../../docs/signaling.md", import.meta.url), "utf8");

describe("docs/signaling.md", () => {
  it("has a row with every field of every message", () => {
    const [, fromClient = "", fromServer = ""] = page.split(/### From the (?:client|server)\n/);
    for (const [writer, text] of [
      ["client", fromClient],
      ["server", fromServer.split("\n## ")[0] ?? ""],
    ] as const) {
      for (const [type, spec] of Object.entries(TABLES[writer])) {
        const row = text.split("\n").find((line) => line.startsWith(`| \`${type}\``));
        assert.ok(row, `${type} of the ${writer}`);
        for (const [field, { optional }] of Object.entries(spec)) {
          assert.ok(
            row.includes(optional ? `\`[${field}]\`` : `\`${field}\``),
            `${type}.${field} in: ${row}`,
          );
        }
      }
    }
  });

  it("has a row for every error code, and none more", () => {
    const rows =
      page
        .split("## Error codes\n")[1]
        ?.split("\n## ")[0]
        ?.match(/^\| `([A-Z_]+)`/gm) ?? [];
    assert.deepEqual(rows.map((row) => row.slice(3, -1)).sort(), [...SIGNALING_ERROR_CODES].sort());
  });
});
