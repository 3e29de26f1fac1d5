import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** One parser or stage that bytes from outside reach, and what must hold of it whatever the bytes are. */
export interface FuzzTarget {
  readonly name: string;
  /** Source files (or folders, ending in "/") below the repository whose coverage guides the search and is reported. */
  readonly sources: readonly string[];
  /** Valid inputs to start from. */
  seeds(): Uint8Array[];
  /** Words worth putting into an input. */
  readonly words?: readonly string[];
  /** The longest input tried; 2000 by default. */
  readonly maxBytes?: number;
  /** Native code is reached: the input is written to disk first, for a crash takes the process along. */
  readonly isNative?: boolean;
  /** Throws when a property is broken; anything thrown is a finding. */
  run(input: Uint8Array): void;
}

/** The repository, from dist/test/fuzz. */
export const root = new URL("../../../", import.meta.url).pathname;

/** Names of all targets: the files of the folder beside. */
export function targetNames(): string[] {
  const files = readdirSync(new URL("./targets/", import.meta.url));
  return files.filter((name) => name.endsWith(".js")).map((name) => name.slice(0, -".js".length));
}

export async function loadTarget(name: string): Promise<FuzzTarget> {
  const { target } = (await import(`./targets/${name}.js`)) as { target: FuzzTarget };
  return target;
}

/** Inputs that once broke something, and others worth keeping: test/fuzz/corpus/NAME. */
export function keptInputs(target: string): Uint8Array[] {
  return inputsIn(join(root, "test/fuzz/corpus", target));
}

export function inputsIn(folder: string): Uint8Array[] {
  let names: string[];
  try {
    names = readdirSync(folder).sort();
  } catch {
    return [];
  }
  return names.map((name) => Uint8Array.from(readFileSync(join(folder, name))));
}

export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

/** As the API gets it: any text, so bytes that are no UTF-8 become single characters. */
export function textOf(input: Uint8Array): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(input);
}

/** What `run` gives; undefined when it throws one of `allowed`. Anything else it throws passes through. */
export function unlessRefused<T>(
  run: () => T,
  ...allowed: (new (
    ...args: never[]
  ) => Error)[]
): T | undefined {
  try {
    return run();
  } catch (error) {
    if (allowed.some((kind) => error instanceof kind)) return undefined;
    throw error;
  }
}

/** Cuts an input into datagrams by two-byte lengths, as native/fuzz does; at most `limit`. */
export function datagramsOf(input: Uint8Array, limit = 64): Uint8Array[] {
  const out: Uint8Array[] = [];
  for (let at = 0; at + 2 <= input.length && out.length < limit; ) {
    const length = Math.min((input[at] << 8) | input[at + 1], input.length - at - 2);
    out.push(input.slice(at + 2, at + 2 + length));
    at += 2 + length;
  }
  return out;
}

export function joinDatagrams(datagrams: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(datagrams.reduce((sum, one) => sum + 2 + one.length, 0));
  let at = 0;
  for (const one of datagrams) {
    out.set([one.length >> 8, one.length & 255], at);
    out.set(one, at + 2);
    at += 2 + one.length;
  }
  return out;
}
