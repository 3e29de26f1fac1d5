/** What Web IDL §3.7 wants of an interface's JavaScript object and TypeScript's classes do not give by themselves. */
import { internals } from "./internals.js";

export interface InterfaceShape {
  /** Event handler attributes: the events' names, without "on". */
  readonly handlers?: readonly string[];
  /** Read-only attributes whose values stand under `internals`. */
  readonly attributes?: readonly string[];
  /** Arguments the interfaceObject requires; none when the application cannot construct it. */
  readonly length?: number;
}

// biome-ignore lint/complexity/noBannedTypes: any class's interfaceObject
type Interface = Function & { prototype: object };

/** Operations and attributes enumerable, attributes on the prototype, the constructor's length, the class string. */
export function defineInterface(interfaceObject: Interface, shape: InterfaceShape = {}): void {
  const { prototype } = interfaceObject;
  for (const name of shape.attributes ?? []) defineAttribute(prototype, name);
  for (const type of shape.handlers ?? []) defineHandler(interfaceObject, type);
  makeEnumerable(prototype, ["constructor"]);
  makeEnumerable(interfaceObject, ["length", "name", "prototype"]);
  const fixed = (value: unknown) => ({ value, writable: false, enumerable: false, configurable: true });
  Object.defineProperty(interfaceObject, "length", fixed(shape.length ?? 0));
  Object.defineProperty(prototype, Symbol.toStringTag, fixed(interfaceObject.name));
}

function makeEnumerable(object: object, except: readonly string[]): void {
  for (const name of Object.getOwnPropertyNames(object)) {
    if (!except.includes(name)) Object.defineProperty(object, name, { enumerable: true });
  }
}

type Holder = Readonly<Record<typeof internals, Readonly<Record<string, unknown>>>>;

/** Of a `this` that is no such object the getter throws a TypeError, as Web IDL has it. */
function defineAttribute(prototype: object, name: string): void {
  const accessor = {
    get [name](): unknown {
      return (this as unknown as Holder)[internals][name];
    },
  };
  Object.defineProperty(prototype, name, Object.getOwnPropertyDescriptor(accessor, name) ?? {});
}

/** What an `on…` attribute holds: its place among the listeners stays where it was first set. */
interface HandlerSlot {
  handler: ((event: Event) => void) | null;
}

const slots = new WeakMap<EventTarget, Map<string, HandlerSlot>>();

function slotOf(target: EventTarget, type: string): HandlerSlot {
  let ofTarget = slots.get(target);
  if (ofTarget === undefined) {
    ofTarget = new Map();
    slots.set(target, ofTarget);
  }
  let slot = ofTarget.get(type);
  if (slot === undefined) {
    const created: HandlerSlot = { handler: null };
    slot = created;
    ofTarget.set(type, slot);
    target.addEventListener(type, (event) => created.handler?.call(target, event));
  }
  return slot;
}

/** HTML §8.1.8.1. */
function defineHandler(interfaceObject: Interface, type: string): void {
  const name = `on${type}`;
  const check = (target: unknown): EventTarget => {
    if (!(target instanceof interfaceObject) || target === interfaceObject.prototype) {
      throw new TypeError(`${name} of an object that is no ${interfaceObject.name}`);
    }
    return target as EventTarget;
  };
  const accessor = {
    get [name](): unknown {
      return slots.get(check(this))?.get(type)?.handler ?? null;
    },
    set [name](handler: unknown) {
      const target = check(this);
      // Web IDL: what is no function counts as null.
      const callable = typeof handler === "function" ? (handler as (event: Event) => void) : null;
      if (callable !== null || slots.get(target)?.has(type)) slotOf(target, type).handler = callable;
    },
  };
  Object.defineProperty(
    interfaceObject.prototype,
    name,
    Object.getOwnPropertyDescriptor(accessor, name) ?? {},
  );
}

/** The state of an object whose method was called, or a TypeError: it was called on something else. */
export function checkThis<T>(state: T | undefined): T {
  if (state === undefined) throw new TypeError("Illegal invocation");
  return state;
}

/** @throws TypeError when fewer arguments than required were given; undefined counts as one. */
export function checkArguments(given: number, required: number, operation: string): void {
  if (given < required) throw new TypeError(`${operation} takes ${required} arguments, ${given} were given`);
}

/** @throws TypeError when a dictionary lacks a member that is an object. */
export function requireObjects(dictionary: object | null | undefined, ...names: readonly string[]): void {
  for (const name of names) {
    const value = (dictionary as Record<string, unknown> | null | undefined)?.[name];
    if (typeof value !== "object" || value === null) throw new TypeError(`${name} is required`);
  }
}

/** Web IDL `[EnforceRange]`. @throws TypeError. */
export function enforceRange(name: string, value: unknown, max: number): number {
  const whole = Math.trunc(Number(value));
  if (!(whole >= 0 && whole <= max)) throw new TypeError(`${name} is ${String(value)}; allowed: 0 to ${max}`);
  return whole + 0;
}
