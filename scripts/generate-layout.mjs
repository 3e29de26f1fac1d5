// Writes native/core/ring_layout.h from the one definition of the shared-memory layout (src/media/ring/layout.ts) and
// of the datagram table (native/addon.ts). With --check: fails when the header is stale.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { transformSync } from "esbuild";

const root = new URL("../", import.meta.url);
const headerPath = fileURLToPath(new URL("native/core/ring_layout.h", root));

async function load(path, only) {
  let source = readFileSync(new URL(path, root), "utf8");
  // The addon's module loads the addon when imported; only its constants matter here.
  if (only) source = source.match(new RegExp(`export const ${only} = \\{[^}]*\\} as const;`))?.[0] ?? "";
  const { code } = transformSync(source, { loader: "ts", format: "esm" });
  return import(`data:text/javascript,${encodeURIComponent(code)}`);
}

const snake = (name) => name.replace(/_/g, "").replace(/^./, (c) => c.toUpperCase());

function block(name, values) {
  const lines = Object.entries(values).map(
    ([key, value]) => `inline constexpr int32_t k${snake(key)} = ${value};`,
  );
  return `namespace ${name} {\n${lines.join("\n")}\n}  // namespace ${name}\n`;
}

const layout = await load("src/media/ring/layout.ts");
const { DatagramTable } = await load("native/addon.ts", "DatagramTable");
const header = `// Made by scripts/generate-layout.mjs from src/media/ring/layout.ts and native/addon.ts. Do not edit.
#pragma once

#include <cstdint>

namespace roomrtc::layout {

inline constexpr int32_t kCacheLineBytes = ${layout.CACHE_LINE_BYTES};
inline constexpr int32_t kRingMagic = ${layout.RING_MAGIC};
inline constexpr int32_t kDescriptorWords = ${layout.DESCRIPTOR_WORDS};

${[
  block("ring", layout.RingLayout),
  block("descriptor_word", layout.DescriptorWord),
  block("descriptor_float", layout.DescriptorFloat),
  block("descriptor_flag", layout.DescriptorFlag),
  block("doorbell", layout.DoorbellWord),
  block("slot_state", layout.SlotState),
  block("datagram_table", DatagramTable),
].join("\n")}
}  // namespace roomrtc::layout
`;

if (process.argv.includes("--check")) {
  let found = "";
  try {
    found = readFileSync(headerPath, "utf8");
  } catch {
    // Missing counts as stale.
  }
  if (found !== header) {
    console.error("native/core/ring_layout.h is stale: run node scripts/generate-layout.mjs");
    process.exit(1);
  }
} else {
  writeFileSync(headerPath, header);
}
