// Part of the lint step: every relative link in a Markdown file leads to a file, and to a heading of it where it names one;
// every path of the project that a document names in backticks is there; every RFC that the code cites has its line in
// docs/rfc.md.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const tracked = (...patterns) =>
  execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", ...patterns], {
    cwd: root,
    encoding: "utf8",
  })
    .split("\n")
    .filter((path) => path !== "" && existsSync(join(root, path)));
const read = (path) => readFileSync(join(root, path), "utf8");
const withoutCode = (text) => text.replace(/^```[\s\S]*?^```/gm, "");

const problems = [];

/** What GitHub makes of a heading. */
function slug(heading) {
  return heading
    .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .trim()
    .replace(/\s/g, "-");
}

function headings(path) {
  return new Set([...withoutCode(read(path)).matchAll(/^#+\s+(.*)$/gm)].map(([, heading]) => slug(heading)));
}

function checkLinks(path) {
  for (const [, target] of withoutCode(read(path)).matchAll(/\]\(([^)\s]+)\)/g)) {
    if (/^[a-z]+:/i.test(target)) continue;
    const [file, anchor] = target.split("#");
    const to = file === "" ? path : normalize(join(dirname(path), file));
    if (!existsSync(join(root, to))) problems.push(`${path}: ${target}: there is no ${to}`);
    else if (anchor && to.endsWith(".md") && !headings(to).has(anchor))
      problems.push(`${path}: ${target}: ${to} has no such heading`);
  }
}

/** `src/a/b.ts`, `native/core/x.h`, `src/a/{b,c}.ts`; what has other wildcards is not looked at. */
function checkPaths(path) {
  for (const [, named] of read(path).matchAll(
    /`((?:src|native|workers|test|bench|scripts|web|interop)\/[^`\s]*)`/g,
  )) {
    const [, before, choices, after] = /^([^{]*)\{([^}]*)\}(.*)$/.exec(named) ?? [null, named, "", ""];
    for (const choice of choices.split(",")) {
      const file = `${before}${choice}${after}`;
      if (!/[*{}<>…]|NAME|FOLDER|FILE/.test(file) && !existsSync(join(root, file)))
        problems.push(`${path}: there is no ${file}`);
    }
  }
}

function rfcsIn(text) {
  return [...text.matchAll(/\bRFCs? (\d{3,5})/g)].map(([, number]) => Number(number));
}

const documents = tracked("*.md");
for (const path of documents) {
  checkLinks(path);
  if (!path.startsWith("docs/decisions/") && path !== "CHANGELOG.md") checkPaths(path);
}

const rows = read("docs/rfc.md").matchAll(/^\| (\d[\d, ]*) \|/gm);
const listed = new Set([...rows].flatMap(([, numbers]) => numbers.split(",").map(Number)));
const cited = new Set(tracked("src/*", "native/*", "workers/*").flatMap((path) => rfcsIn(read(path))));
for (const number of [...cited].sort((a, b) => a - b))
  if (!listed.has(number)) problems.push(`docs/rfc.md: RFC ${number} is cited in the code and has no line`);

for (const problem of problems) console.error(problem);
if (problems.length === 0) console.log(`${documents.length} documents: every link and path leads somewhere`);
process.exitCode = problems.length === 0 ? 0 : 1;
