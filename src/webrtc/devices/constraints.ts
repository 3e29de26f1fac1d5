/** Media Capture and Streams §11: what a program asks of a device, and what comes of it. */

/** A number alone is the ideal one. */
export type ConstrainNumber =
  | number
  | { readonly min?: number; readonly max?: number; readonly exact?: number; readonly ideal?: number };

export type ConstrainText =
  | string
  | string[]
  | { readonly exact?: string | string[]; readonly ideal?: string | string[] };

/** Members not named here are ignored, as the specification asks. */
export interface MediaTrackConstraints {
  readonly deviceId?: ConstrainText;
  readonly width?: ConstrainNumber;
  readonly height?: ConstrainNumber;
  readonly frameRate?: ConstrainNumber;
  readonly sampleRate?: ConstrainNumber;
  readonly channelCount?: ConstrainNumber;
}

export interface MediaStreamConstraints {
  readonly audio?: boolean | MediaTrackConstraints;
  readonly video?: boolean | MediaTrackConstraints;
}

/** No device can do what `constraint` demands. */
export class OverconstrainedError extends DOMException {
  readonly constraint: string;

  constructor(constraint: string, message = "") {
    super(message, "OverconstrainedError");
    this.constraint = constraint;
  }
}

/** What is allowed, and the value nearest to which the choice should fall. */
export interface NumberWish {
  readonly min: number;
  readonly max: number;
  readonly ideal: number | undefined;
}

/** Reads a constraint; `basic` (in `min`, `max`, `exact`) is required, the rest a wish. */
export function readNumber(name: string, constraint: ConstrainNumber | undefined): NumberWish {
  if (constraint === undefined)
    return { min: Number.NEGATIVE_INFINITY, max: Number.POSITIVE_INFINITY, ideal: undefined };
  const given = typeof constraint === "number" ? { ideal: constraint } : constraint;
  for (const [key, value] of Object.entries(given)) {
    if (!Number.isFinite(value)) throw new TypeError(`${name}.${key} is ${String(value)}, no finite number`);
  }
  const { exact, min, max, ideal } = given as Exclude<ConstrainNumber, number>;
  return {
    min: Math.max(exact ?? Number.NEGATIVE_INFINITY, min ?? Number.NEGATIVE_INFINITY),
    max: Math.min(exact ?? Number.POSITIVE_INFINITY, max ?? Number.POSITIVE_INFINITY),
    ideal: ideal ?? exact,
  };
}

/**
 * The allowed value nearest to the ideal one, or else to `usual`, within what the device can do. Throws an
 * OverconstrainedError when there is none.
 */
export function chooseNumber(
  name: string,
  constraint: ConstrainNumber | undefined,
  device: { readonly min: number; readonly max: number; readonly usual: number },
): number {
  const wish = readNumber(name, constraint);
  const min = Math.max(wish.min, device.min);
  const max = Math.min(wish.max, device.max);
  if (min > max) {
    throw new OverconstrainedError(name, `${name}: the device gives ${device.min} to ${device.max}`);
  }
  return Math.min(max, Math.max(min, wish.ideal ?? device.usual));
}

/** Throws an OverconstrainedError when what the device gives is not allowed. */
export function checkNumber(name: string, constraint: ConstrainNumber | undefined, given: number): void {
  const { min, max } = readNumber(name, constraint);
  if (given < min || given > max) throw new OverconstrainedError(name, `${name}: the device gives ${given}`);
}

/** The texts that are required, and those that are wished for. */
export function readText(constraint: ConstrainText | undefined): {
  exact: string[] | undefined;
  ideal: string[];
} {
  if (constraint === undefined) return { exact: undefined, ideal: [] };
  if (typeof constraint === "string" || isList(constraint))
    return { exact: undefined, ideal: listOf(constraint) };
  const exact = constraint.exact === undefined ? undefined : listOf(constraint.exact);
  return { exact, ideal: constraint.ideal === undefined ? [] : listOf(constraint.ideal) };
}

function isList(value: ConstrainText): value is string[] {
  return Array.isArray(value);
}

function listOf(value: string | string[]): string[] {
  return typeof value === "string" ? [value] : [...value];
}
