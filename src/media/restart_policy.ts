import type { WorkerName } from "./engine_messages.js";

/** A worker that dies more often than this within the window stays dead: its fault does not heal by restarting. */
const MAX_RESTARTS = 3;
const WINDOW_US = 30_000_000;

/** Decides whether a dead worker gets a successor. */
export class RestartPolicy {
  readonly #deaths = new Map<WorkerName, number[]>();

  /** Notes a death at `nowUs`; whether to start a successor. */
  allows(name: WorkerName, nowUs: number): boolean {
    const recent = (this.#deaths.get(name) ?? []).filter((atUs) => nowUs - atUs < WINDOW_US);
    recent.push(nowUs);
    this.#deaths.set(name, recent);
    return recent.length <= MAX_RESTARTS;
  }
}
