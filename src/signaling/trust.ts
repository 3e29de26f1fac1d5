/**
 * Which certificate a server must show. Either its SHA-256 fingerprint is given, or the first one seen is remembered
 * in a trust file, one `HOST:PORT FINGERPRINT` a line, and any other is refused from then on.
 */
import { randomBytes } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { SignalingClientError } from "./errors.js";

const FINGERPRINT = /^[0-9A-F]{2}(?::[0-9A-F]{2}){31}$/;

/** Brings a SHA-256 fingerprint into the form `AB:CD:…`; takes lower case, no colons and a `sha-256 ` before it. */
export function normalizeFingerprint(text: string): string {
  const digits = text
    .trim()
    .replace(/^sha-?256[ :=/]+/i, "")
    .replaceAll(":", "")
    .toUpperCase();
  if (!/^[0-9A-F]{64}$/.test(digits)) {
    throw new SignalingClientError(
      "BAD_OPTION",
      `"${text}" is not a SHA-256 fingerprint: 32 pairs of hex digits`,
    );
  }
  return (digits.match(/../g) as string[]).join(":");
}

const systemCode = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? String(error);

/** The servers met before; see the top of this file. */
export class TrustFile {
  constructor(readonly path: string) {}

  /** The remembered fingerprint of a server, undefined at the first meeting. Throws TRUST_FILE_DAMAGED. */
  async find(server: string): Promise<string | undefined> {
    return (await this.#read()).get(server);
  }

  async remember(server: string, fingerprint: string): Promise<void> {
    const known = await this.#read();
    known.set(server, fingerprint);
    const text = [...known].map(([name, print]) => `${name} ${print}\n`).join("");
    const temporary = `${this.path}.${randomBytes(6).toString("hex")}.tmp`;
    try {
      await mkdir(dirname(this.path), { recursive: true, mode: 0o700 });
      await writeFile(temporary, `# RoomRTC servers: HOST:PORT SHA-256-FINGERPRINT, one a line\n${text}`, {
        mode: 0o600,
        flag: "wx",
        flush: true,
      } as Parameters<typeof writeFile>[2]);
      await rename(temporary, this.path);
    } catch (error) {
      await rm(temporary, { force: true });
      const message = `cannot write the trust file ${this.path}: ${systemCode(error)}`;
      throw new SignalingClientError("TRUST_FILE_UNWRITABLE", message, { cause: error });
    }
  }

  async #read(): Promise<Map<string, string>> {
    const known = new Map<string, string>();
    for (const [index, line] of (await this.#text()).split(/\r?\n/).entries()) {
      if (line.trim() === "" || line.startsWith("#")) continue;
      const [server, fingerprint, rest] = line.trim().split(/\s+/);
      if (
        server === undefined ||
        fingerprint === undefined ||
        rest !== undefined ||
        !FINGERPRINT.test(fingerprint)
      ) {
        const text = `${this.path}:${index + 1}: expected HOST:PORT FINGERPRINT; mend or remove the line`;
        throw new SignalingClientError("TRUST_FILE_DAMAGED", text);
      }
      known.set(server, fingerprint);
    }
    return known;
  }

  async #text(): Promise<string> {
    try {
      return await readFile(this.path, "utf8");
    } catch (error) {
      if (systemCode(error) === "ENOENT") return "";
      const message = `cannot read the trust file ${this.path}: ${systemCode(error)}`;
      throw new SignalingClientError("TRUST_FILE_DAMAGED", message, { cause: error });
    }
  }
}

/** What became of a server's certificate. */
export interface TrustDecision {
  readonly fingerprint: string;
  /** Met for the first time and remembered. */
  readonly remembered: boolean;
}

/** Accepts or refuses the certificate that `server` ("host:port") showed. Throws {@link SignalingClientError}. */
export async function decideTrust(
  server: string,
  shown: string,
  pinned: string | undefined,
  trustFile: TrustFile | undefined,
): Promise<TrustDecision> {
  if (pinned !== undefined) {
    if (pinned === shown) return { fingerprint: shown, remembered: false };
    throw new SignalingClientError(
      "FINGERPRINT_MISMATCH",
      `${server} shows the certificate ${shown}, not ${pinned} as asked for; not connecting`,
    );
  }
  if (trustFile === undefined)
    throw new SignalingClientError("BAD_OPTION", "no fingerprint and no trust file");
  const known = await trustFile.find(server);
  if (known === shown) return { fingerprint: shown, remembered: false };
  if (known !== undefined) {
    throw new SignalingClientError(
      "FINGERPRINT_CHANGED",
      `the certificate of ${server} has changed from ${known} to ${shown}: someone may be listening in. ` +
        `If it was renewed on purpose, remove its line from ${trustFile.path}`,
    );
  }
  await trustFile.remember(server, shown);
  return { fingerprint: shown, remembered: true };
}
