/** What a file of the Web Platform Tests runs, read from its text alone. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";

/** A classic script of a page, in the page's order. */
export interface PageScript {
  /** For stack traces: its path in the checkout. */
  readonly name: string;
  readonly source: string;
}

export interface TestPage {
  readonly scripts: readonly PageScript[];
  /** The suite allows it 60 s instead of 10. */
  readonly long: boolean;
  /** Query strings the file wants to be run with, "" when it names none. */
  readonly variants: readonly string[];
  /** Scripts the checkout does not have. */
  readonly missing: readonly string[];
  /** Runs scripts as modules, which a page without a DOM has no loader for. */
  readonly usesModules: boolean;
}

/** The harness reports to us, not to a page. */
const REPORTER = "/resources/testharnessreport.js";
const HARNESS = "/resources/testharness.js";

/** Files of the suite that are tests; helpers, manual tests, references and crash tests are not. */
export function isTestFile(path: string): boolean {
  if (/(^|\/)(resources|support|tools)\//.test(path) || /-(manual|ref|crash|helper)\./.test(path))
    return false;
  return /\.html$/.test(path) || /\.(any|window)\.js$/.test(path);
}

/** The folder above `path` that holds the suite's resources. */
export function checkoutRoot(path: string): string | undefined {
  for (let folder = path; ; folder = dirname(folder)) {
    if (existsSync(join(folder, HARNESS))) return folder;
    if (folder === dirname(folder)) return undefined;
  }
}

/** Reads the test at `path`, given from the checkout's root. */
export function readTestPage(root: string, path: string): TestPage {
  const text = readFileSync(join(root, path), "utf8");
  return path.endsWith(".html") ? readHtml(root, path, text) : readScriptFile(root, path, text);
}

class ScriptList {
  readonly scripts: PageScript[] = [];
  readonly missing: string[] = [];

  constructor(
    private readonly root: string,
    private readonly page: string,
  ) {}

  addFile(url: string): void {
    const path = posix.resolve("/", posix.dirname(this.page), url.replace(/[?#].*$/, ""));
    if (path === REPORTER) return;
    const file = join(this.root, path);
    if (existsSync(file)) this.scripts.push({ name: path, source: readFileSync(file, "utf8") });
    else this.missing.push(path);
  }
}

function readHtml(root: string, path: string, text: string): TestPage {
  const list = new ScriptList(root, path);
  const page = text.replace(/<!--[\s\S]*?-->/g, "");
  let usesModules = false;
  for (const [, attributes, body] of page.matchAll(/<script\b([^>]*)>([\s\S]*?)<\/script\s*>/gi)) {
    const type = attribute(attributes, "type");
    if (type === "module") usesModules = true;
    // Data blocks are no scripts (HTML §4.12.1).
    if (type !== undefined && !/^(text|application)\/javascript$/i.test(type)) continue;
    const src = attribute(attributes, "src");
    if (src !== undefined) list.addFile(src);
    else list.scripts.push({ name: `/${path}`, source: body });
  }
  const metas = [...page.matchAll(/<meta\b([^>]*)>/gi)].map(([, attributes]) => ({
    name: attribute(attributes, "name"),
    content: attribute(attributes, "content") ?? "",
  }));
  return {
    scripts: list.scripts,
    missing: list.missing,
    usesModules,
    long: metas.some(({ name, content }) => name === "timeout" && content === "long"),
    variants: orOne(metas.filter(({ name }) => name === "variant").map(({ content }) => content)),
  };
}

/** `.any.js` and `.window.js`: the suite's server makes a page of them, by their META comments. */
function readScriptFile(root: string, path: string, text: string): TestPage {
  const list = new ScriptList(root, path);
  list.addFile(HARNESS);
  const metas = [...text.matchAll(/^\/\/\s*META:\s*(\w+)=(.*)$/gm)].map(([, name, value]) => ({
    name,
    value: value.trim(),
  }));
  for (const { name, value } of metas) if (name === "script") list.addFile(value);
  list.scripts.push({ name: `/${path}`, source: text });
  return {
    scripts: list.scripts,
    missing: list.missing,
    usesModules: false,
    long: metas.some(({ name, value }) => name === "timeout" && value === "long"),
    variants: orOne(metas.filter(({ name }) => name === "variant").map(({ value }) => value)),
  };
}

function attribute(attributes: string, name: string): string | undefined {
  const match = new RegExp(`\\b${name}\\s*=\\s*(?:"([^"]*)"|'([^']*)'|([^\\s"'>]+))`, "i").exec(attributes);
  return match === null ? undefined : (match[1] ?? match[2] ?? match[3]);
}

function orOne(variants: string[]): string[] {
  return variants.length === 0 ? [""] : variants;
}
