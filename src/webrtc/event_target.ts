/** EventTarget with typed listeners and `on…` attributes (HTML §8.1.8.1). */

export type EventHandler<E extends Event> = ((event: E) => void) | null;

export type EventHandlers<Events, K extends keyof Events & string> = {
  [Name in K as `on${Name}`]: EventHandler<Events[Name] & Event>;
};

interface ListenerOptions {
  readonly once?: boolean;
  readonly passive?: boolean;
  readonly capture?: boolean;
  readonly signal?: AbortSignal;
}

type Listener = ((event: Event) => void) | { handleEvent(event: Event): void } | null;

export interface TypedEventTarget<Events> {
  addEventListener<K extends keyof Events & string>(
    type: K,
    listener: ((event: Events[K]) => void) | null,
    options?: ListenerOptions | boolean,
  ): void;
  addEventListener(type: string, listener: Listener, options?: ListenerOptions | boolean): void;
  removeEventListener<K extends keyof Events & string>(
    type: K,
    listener: ((event: Events[K]) => void) | null,
    options?: ListenerOptions | boolean,
  ): void;
  removeEventListener(type: string, listener: Listener, options?: ListenerOptions | boolean): void;
  dispatchEvent(event: Event): boolean;
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

function defineHandler(prototype: object, type: string): void {
  Object.defineProperty(prototype, `on${type}`, {
    configurable: true,
    enumerable: true,
    get(this: EventTarget) {
      return slots.get(this)?.get(type)?.handler ?? null;
    },
    set(this: EventTarget, handler: unknown) {
      // Web IDL: what is no function counts as null.
      const callable = typeof handler === "function" ? (handler as (event: Event) => void) : null;
      if (callable !== null || slots.get(this)?.has(type)) slotOf(this, type).handler = callable;
    },
  });
}

/** A base class for `Events` with an `on…` attribute for each of `names`. */
export function eventTarget<Events>() {
  return <K extends keyof Events & string>(
    ...names: K[]
  ): (new () => TypedEventTarget<Events> & EventHandlers<Events, K>) => {
    class Target extends EventTarget {}
    for (const name of names) defineHandler(Target.prototype, name);
    return Target as unknown as new () => TypedEventTarget<Events> & EventTarget & EventHandlers<Events, K>;
  };
}
