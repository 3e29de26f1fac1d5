// Bundles the web client from web/ into dist/web: one script, one style sheet, the page, the licences of what is in it.
// No source maps: they would carry this machine's paths.
import { copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const target = join(root, "dist", "web");

await rm(target, { recursive: true, force: true });
await mkdir(target, { recursive: true });
const result = await build({
  absWorkingDir: root,
  entryPoints: { app: "web/main.tsx", style: "web/style.css" },
  outdir: target,
  bundle: true,
  minify: true,
  format: "esm",
  target: ["chrome109", "firefox115", "safari16"],
  jsx: "automatic",
  jsxImportSource: "preact",
  sourcemap: false,
  legalComments: "none",
  metafile: true,
  logLevel: "warning",
});
for (const file of ["index.html", "icon.svg"]) await copyFile(join(root, "web", file), join(target, file));

const packages = new Set(
  Object.keys(result.metafile.inputs).flatMap(
    (path) => /(?:^|\/)node_modules\/([^/]+)\//.exec(path)?.[1] ?? [],
  ),
);
const licences = await Promise.all(
  [...packages].map(
    async (name) => `${name}\n\n${await readFile(join(root, "node_modules", name, "LICENSE"), "utf8")}`,
  ),
);
await writeFile(join(target, "licenses.txt"), licences.join("\n\n"));
