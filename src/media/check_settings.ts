import { parseIp } from "../protocol/primitives/address.js";
import { parseIpPrefix } from "../protocol/primitives/ip_prefix.js";
import { SettingsError } from "./settings_error.js";

/** Checks one value; throws a {@link SettingsError} that names `option`. */
export type Check = (value: unknown, option: string) => void;

/** A check for every member of `T`: a new member without one does not compile. */
export type Checks<T> = { readonly [K in keyof Required<T>]: Check };

export function boolean(value: unknown, option: string): void {
  if (typeof value !== "boolean") throw new SettingsError(option, value, "true or false");
}

export function whole(min: number, max: number): Check {
  return (value, option) => {
    if (Number.isInteger(value) && (value as number) >= min && (value as number) <= max) return;
    throw new SettingsError(option, value, `a whole number from ${min} to ${max}`);
  };
}

export function powerOfTwo(min: number, max: number): Check {
  return (value, option) => {
    whole(min, max)(value, option);
    if (!Number.isInteger(Math.log2(value as number))) {
      throw new SettingsError(option, value, `a power of two from ${min} to ${max}`);
    }
  };
}

export function oneOf(...allowed: readonly (string | number)[]): Check {
  return (value, option) => {
    if (allowed.includes(value as string)) return;
    throw new SettingsError(option, value, allowed.map((each) => JSON.stringify(each)).join(" or "));
  };
}

export function listOf(check: Check, max: number, min = 0): Check {
  return (value, option) => {
    if (!Array.isArray(value) || value.length > max || value.length < min) {
      throw new SettingsError(option, value, `a list of ${min} to ${max}`);
    }
    value.forEach((each, i) => {
      check(each, `${option}[${i}]`);
    });
  };
}

/** An object with these members and no others; absent ones are left to their defaults. */
export function members<T>(checks: Checks<T>): Check {
  return (value, option) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw new SettingsError(option, value, `an object with ${Object.keys(checks).join(", ")}`);
    }
    for (const [key, each] of Object.entries(value)) {
      const name = option === "" ? key : `${option}.${key}`;
      if (!Object.hasOwn(checks, key)) {
        throw new SettingsError(name, each, `no such option; there are ${Object.keys(checks).join(", ")}`);
      }
      if (each !== undefined) (checks as Record<string, Check>)[key](each, name);
    }
  };
}

export function all(...checks: readonly Check[]): Check {
  return (value, option) => {
    for (const check of checks) check(value, option);
  };
}

export function func(value: unknown, option: string): void {
  if (typeof value !== "function") throw new SettingsError(option, value, "a function");
}

export function object(value: unknown, option: string): void {
  if (typeof value !== "object" || value === null) throw new SettingsError(option, value, "an object");
}

export function text(value: unknown, option: string): void {
  if (typeof value !== "string" || value === "") throw new SettingsError(option, value, "text");
}

/** A numeric IPv4 or IPv6 address without a zone. */
export function ipAddress(value: unknown, option: string): void {
  if (typeof value !== "string" || parseIp(value) === undefined) {
    throw new SettingsError(option, value, "a numeric IPv4 or IPv6 address");
  }
}

/** "eth0", "wl*", "10.0.0.0/8" or "2001:db8::/32". */
export function interfaceRule(value: unknown, option: string): void {
  const isPrefix = typeof value === "string" && parseIpPrefix(value) !== undefined;
  // Names have at most 15 bytes (IFNAMSIZ).
  const isName = typeof value === "string" && /^[^\s/:]{1,15}\*?$|^\*$/.test(value);
  if (isPrefix || isName) return;
  throw new SettingsError(option, value, 'an interface ("eth0", "wl*") or an address prefix ("10.0.0.0/8")');
}
