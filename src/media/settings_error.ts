/** A setting that is none, or has a value it cannot have. */
export class SettingsError extends TypeError {
  readonly code = "ERR_SETTINGS";
  /** Such as "transport.portRange.min". */
  readonly option: string;

  constructor(option: string, found: unknown, allowed: string) {
    super(`settings.${option}: found ${show(found)}, allowed: ${allowed}`);
    this.name = "SettingsError";
    this.option = option;
  }
}

const MAX_SHOWN = 80;

function show(value: unknown): string {
  if (typeof value === "function") return "a function";
  if (typeof value === "bigint" || typeof value === "symbol") return `a ${typeof value}`;
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch {
    text = "an object with a circle in it";
  }
  const shown = typeof value === "number" ? String(value) : (text ?? String(value));
  return shown.length > MAX_SHOWN ? `${shown.slice(0, MAX_SHOWN)}…` : shown;
}
