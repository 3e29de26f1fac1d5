/**
 * Reads room_rtc.conf (INI: `[section]`, `key = value`, optional quotes, `#` comments) and the ancestor's flat files into
 * one typed {@link Config}. A missing file means defaults; anything unknown or out of range stops with a
 * {@link ConfigError} that names file, line, key, what was found and what is allowed.
 */
import { readFileSync } from "node:fs";
import ini from "ini";
import { type Config, flatKeys, type Key, schema } from "./schema.js";

/** Stable codes of configuration errors. */
export type ConfigErrorCode =
  | "CONFIG_UNREADABLE"
  | "CONFIG_SYNTAX"
  | "CONFIG_UNKNOWN_KEY"
  | "CONFIG_BAD_VALUE";

export class ConfigError extends Error {
  override readonly name = "ConfigError";
  constructor(
    readonly code: ConfigErrorCode,
    readonly file: string,
    readonly line: number,
    readonly key: string,
    readonly found: string,
    readonly allowed: string,
  ) {
    super(`${file}:${line}: ${key}: found '${found}'; allowed: ${allowed}`);
  }
}

export interface LoadedConfig {
  readonly config: Config;
  /** One sentence for each thing the user should know: a missing file, a key that is not obeyed. */
  readonly notices: readonly string[];
}

/** `[section, key, value]` in place of what the file says: a command-line flag. */
export type Override = readonly [section: string, key: string, value: string];

/** Where a key stands in a file. */
interface Entry {
  readonly section: string;
  readonly key: string;
  readonly value: string;
  readonly line: number;
}

const sections: Readonly<Record<string, Readonly<Record<string, Key<unknown>>>>> = schema;

export function loadConfig(file: string, overrides: readonly Override[] = []): LoadedConfig {
  const text = readIfThere(file);
  const notices = text === undefined ? [`${file}: no such file, defaults apply`] : [];
  const loaded = parseConfig(text ?? "", file, overrides);
  return { config: loaded.config, notices: [...notices, ...loaded.notices] };
}

/** As {@link loadConfig} for a text; `file` is what the errors call it. */
export function parseConfig(text: string, file: string, overrides: readonly Override[] = []): LoadedConfig {
  const entries = unflatten(readEntries(text, file), file);
  const flags = overrides.map(([section, key, value]) => ({ section, key, value, line: 0 }));
  const values = defaults();
  const notices = new Set<string>();
  for (const [entry, source] of [
    ...entries.map((each) => [each, file] as const),
    ...flags.map((each) => [each, "command line"] as const),
  ]) {
    const { notObeyed } = keyOf(entry, source);
    values[entry.section][entry.key] = typedValue(entry, source);
    if (notObeyed !== undefined) {
      notices.add(`${source}:${entry.line}: ${entry.key} is read but not obeyed: ${notObeyed}`);
    }
  }
  return { config: values as Config, notices: [...notices] };
}

export function defaultConfig(): Config {
  return defaults() as Config;
}

function defaults(): Record<string, Record<string, unknown>> {
  const pick = (keys: Readonly<Record<string, Key<unknown>>>) =>
    Object.fromEntries(Object.entries(keys).map(([name, key]) => [name, key.default]));
  return Object.fromEntries(Object.entries(sections).map(([name, keys]) => [name, pick(keys)]));
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
    if (code === "ENOENT") return undefined;
    throw new ConfigError("CONFIG_UNREADABLE", file, 0, "(file)", code, "a readable text file");
  }
}

/**
 * The file's entries in order. The `ini` library reads each line's value (quotes, escapes, comments); the lines are walked
 * here, one by one, because errors must name them.
 */
function readEntries(text: string, file: string): Entry[] {
  const entries: Entry[] = [];
  const seen = new Map<string, number>();
  let section = "";
  text.split(/\r?\n/).forEach((raw, index) => {
    const line = index + 1;
    const content = raw.trim();
    if (content === "" || content.startsWith("#") || content.startsWith(";")) return;
    const header = /^\[\s*([^\]]*?)\s*\]\s*(?:[#;].*)?$/.exec(content);
    if (header) {
      section = header[1];
      return;
    }
    const pair = /^([A-Za-z_][\w-]*(?: [\w-]+)*)\s*=/.exec(content);
    if (!pair) {
      throw new ConfigError(
        "CONFIG_SYNTAX",
        file,
        line,
        "(line)",
        content,
        "[section], key = value, or # comment",
      );
    }
    const key = pair[1];
    const earlier = seen.get(`${section}\n${key}`);
    if (earlier !== undefined) {
      throw new ConfigError(
        "CONFIG_SYNTAX",
        file,
        line,
        key,
        "a second value",
        `one value (line ${earlier} has one)`,
      );
    }
    seen.set(`${section}\n${key}`, line);
    entries.push({ section, key, value: readValue(content), line });
  });
  return entries;
}

function readValue(content: string): string {
  const [value] = Object.values(ini.parse(content));
  return String(value ?? "");
}

/** Entries without a section are the ancestor's flat files: each stands for one or two keys here. */
function unflatten(entries: readonly Entry[], file: string): Entry[] {
  return entries.flatMap((entry) => {
    if (entry.section !== "") return [entry];
    const places = flatKeys[entry.key.replaceAll(" ", "_")];
    if (!places) {
      const allowed = `a [section] before it, or one of ${Object.keys(flatKeys).join(", ")}`;
      throw new ConfigError("CONFIG_UNKNOWN_KEY", file, entry.line, entry.key, entry.value, allowed);
    }
    return places.map(([section, key]) => ({ ...entry, section, key }));
  });
}

function keyOf(entry: Entry, file: string): Key<unknown> {
  const keys = Object.hasOwn(sections, entry.section) ? sections[entry.section] : undefined;
  if (!keys) {
    const allowed = `a section of ${Object.keys(sections).join(", ")}`;
    throw new ConfigError(
      "CONFIG_UNKNOWN_KEY",
      file,
      entry.line,
      entry.key,
      `section [${entry.section}]`,
      allowed,
    );
  }
  if (!Object.hasOwn(keys, entry.key)) {
    const allowed = `a key of [${entry.section}]: ${Object.keys(keys).join(", ")}`;
    throw new ConfigError("CONFIG_UNKNOWN_KEY", file, entry.line, entry.key, entry.value, allowed);
  }
  return keys[entry.key];
}

function typedValue(entry: Entry, file: string): unknown {
  const key = keyOf(entry, file);
  const result = key.schema.safeParse(entry.value);
  if (result.success) return result.data;
  throw new ConfigError("CONFIG_BAD_VALUE", file, entry.line, entry.key, entry.value, key.allowed);
}
