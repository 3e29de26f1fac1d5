import { MediaEngine, type MediaEngineOptions } from "../media/engine.js";

/** With nothing to send but what tracks bring. */
const NO_SOURCES = { videoSource: { kind: "none" }, audioSource: { kind: "none" } } as const;

let options: Partial<MediaEngineOptions> = {};
let engine: MediaEngine | undefined;
let stopping: Promise<void> = Promise.resolve();
const stopListeners = new Set<() => void>();

/** Options of the default engine that starts next; the one that runs keeps its own. */
export function configureDefaultEngine(next: Partial<MediaEngineOptions>): void {
  options = { ...next };
}

/**
 * The engine of connections that were given none: started at the first need, and shared by the whole process. Its
 * threads keep the process from ending only while a connection is open; at the end of the process it stops by itself.
 */
export function defaultEngine(): MediaEngine {
  engine ??= launch();
  return engine;
}

/** The default engine if it runs. */
export function runningDefaultEngine(): MediaEngine | undefined {
  return engine;
}

/** Calls `listener` once, when the default engine that runs is told to stop; returns the function that prevents it. */
export function onceDefaultEngineStops(listener: () => void): () => void {
  stopListeners.add(listener);
  return () => stopListeners.delete(listener);
}

/** Stops the default engine: its connections end. The next need starts another. Resolves when the threads are gone. */
export function stopDefaultEngine(): Promise<void> {
  const running = engine;
  engine = undefined;
  process.off("beforeExit", stopAtExit);
  const listeners = [...stopListeners];
  stopListeners.clear();
  for (const listener of listeners) listener();
  // One engine at a time: what is shared with the threads of the last must not be stopped twice.
  if (running !== undefined) stopping = Promise.all([stopping, stop(running)]).then(() => undefined);
  return stopping;
}

function launch(): MediaEngine {
  const launched = MediaEngine.launch({ ...NO_SOURCES, ...options });
  launched.holdsProcess = launched.transports > 0;
  launched.on("transports", (open) => {
    launched.holdsProcess = open > 0;
  });
  // Nobody else may be listening: what goes wrong shows as a process warning.
  const warn = ({ code, message }: { code: string; message: string }) =>
    process.emitWarning(message, { code });
  launched.on("workerfailed", warn).on("problem", warn);
  process.on("beforeExit", stopAtExit);
  return launched;
}

async function stop(running: MediaEngine): Promise<void> {
  running.holdsProcess = true;
  await running.stop();
}

/** The event loop is empty: the threads end in order before the process does. */
function stopAtExit(): void {
  void stopDefaultEngine();
}
