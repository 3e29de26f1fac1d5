/** AES-GCM over encoded frames: the same file in the program's worker and in the page's. */
import type { webcrypto } from "node:crypto";

type CryptoKey = webcrypto.CryptoKey;

interface Frame {
  data: ArrayBuffer;
  /** Of a picture. */
  readonly type?: string;
}

const IV_BYTES = 12;

/** What the payload format reads stays as it is: of VP8 ten bytes of a keyframe and three of other pictures, of sound one. */
function clearBytes({ type }: Frame): number {
  if (type === undefined) return 1;
  return type === "key" ? 10 : 3;
}

/** For a `TransformStream`. A frame that another key, or somebody on the way, has made is left out. */
export function frameCipher({ secret, encrypts }: { readonly secret: string; readonly encrypts: boolean }) {
  const key = importKey(secret);
  const change = encrypts ? encrypt : decrypt;
  return {
    async transform<F extends Frame>(frame: F, controller: { enqueue(frame: F): void }): Promise<void> {
      try {
        frame.data = await change(await key, new Uint8Array(frame.data), clearBytes(frame));
        controller.enqueue(frame);
      } catch {
        // Not for us.
      }
    },
  };
}

async function importKey(secret: string): Promise<CryptoKey> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(secret));
  return crypto.subtle.importKey("raw", digest, "AES-GCM", false, ["encrypt", "decrypt"]);
}

async function encrypt(key: CryptoKey, bytes: Uint8Array<ArrayBuffer>, clear: number): Promise<ArrayBuffer> {
  const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
  const head = bytes.slice(0, clear);
  const name = { name: "AES-GCM", iv, additionalData: head };
  const sealed = new Uint8Array(await crypto.subtle.encrypt(name, key, bytes.slice(clear)));
  return joined(head, sealed, iv);
}

async function decrypt(key: CryptoKey, bytes: Uint8Array<ArrayBuffer>, clear: number): Promise<ArrayBuffer> {
  const head = bytes.slice(0, clear);
  const iv = bytes.slice(-IV_BYTES);
  const name = { name: "AES-GCM", iv, additionalData: head };
  const opened = await crypto.subtle.decrypt(name, key, bytes.slice(clear, -IV_BYTES));
  return joined(head, new Uint8Array(opened));
}

function joined(...parts: readonly Uint8Array[]): ArrayBuffer {
  const all = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all.buffer;
}
