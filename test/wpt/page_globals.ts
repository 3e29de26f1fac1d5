/** The global names of a page without a document, over our classes. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as webrtc from "../../src/webrtc/index.js";

/** Values that are no part of a page: the suite must not see them. */
const ours = new Set(["nonstandard", "default"]);

export interface PagePlace {
  /** The checkout. */
  readonly root: string;
  /** From the root, without a leading slash. */
  readonly path: string;
  /** "" or a query string. */
  readonly variant: string;
}

/** Makes this process's global object a page's; for a process that does nothing else. */
export function installPageGlobals(place: PagePlace): EventTarget {
  const target = new EventTarget();
  webrtc.mediaDevices.testDevices = true;
  define({
    self: globalThis,
    window: globalThis,
    isSecureContext: true,
    GLOBAL: { isWindow: () => true, isWorker: () => false, isShadowRealm: () => false },
    location: locationOf(place),
    navigator: { mediaDevices: webrtc.mediaDevices, userAgent: "RoomRTC", platform: "Linux" },
    addEventListener: target.addEventListener.bind(target),
    removeEventListener: target.removeEventListener.bind(target),
    dispatchEvent: target.dispatchEvent.bind(target),
    fetch: (url: string) => fetchFrom(place.root, url),
    FileReader: BlobReader,
    // What the interface definitions are exposed in.
    Window: class Window {},
    // Asked by the suite's helpers whether a picture could be drawn; without a canvas they ask for a device.
    HTMLCanvasElement: class {},
    ...interfaces(),
  });
  return target;
}

function interfaces(): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(webrtc).filter(([name]) => /^[A-Z]/.test(name) && !ours.has(name)),
  );
}

/** As a page's globals are: writable, not enumerable. */
function define(values: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(values)) {
    Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false });
  }
}

function locationOf({ path, variant }: PagePlace) {
  const url = new URL(`https://web-platform.test/${path}${variant}`);
  const { href, origin, protocol, host, hostname, port, pathname, search, hash } = url;
  return { href, origin, protocol, host, hostname, port, pathname, search, hash };
}

/** Files of the checkout, for tests that read interface definitions. */
async function fetchFrom(root: string, url: string) {
  const { pathname } = new URL(url, "https://web-platform.test/");
  try {
    const text = await readFile(join(root, pathname), "utf8");
    return { ok: true, status: 200, text: async () => text, json: async () => JSON.parse(text) };
  } catch {
    return { ok: false, status: 404, text: async () => "", json: async () => ({}) };
  }
}

/** File API §6.2, the one method the suite's helpers use. */
class BlobReader extends EventTarget {
  result: ArrayBuffer | null = null;

  readAsArrayBuffer(blob: Blob): void {
    blob.arrayBuffer().then(
      (bytes) => {
        this.result = bytes;
        this.dispatchEvent(new Event("load"));
      },
      () => this.dispatchEvent(new Event("error")),
    );
  }
}
