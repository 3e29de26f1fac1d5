/** EventTarget with typed listeners; the `on…` attributes come with `defineInterface` (web_idl.ts). */

export type EventHandler<E extends Event> = ((event: E) => void) | null;

export type EventHandlers<Events> = {
  [Name in keyof Events & string as `on${Name}`]: EventHandler<Events[Name] & Event>;
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

/** EventTarget itself, as the base class of an interface with `Events`: the prototype chain is the W3C's. */
export function eventTarget<Events>() {
  return EventTarget as unknown as new () => TypedEventTarget<Events> & EventTarget & EventHandlers<Events>;
}
