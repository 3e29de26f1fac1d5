import { readFileSync } from "node:fs";

/** A description recorded from a real stack; tests run from the project's folder. */
export function fixture(name: string): string {
  return readFileSync(`test/fixtures/sdp/${name}.sdp`, "utf8");
}

export const fingerprintLine =
  "a=fingerprint:sha-256 E5:6A:71:99:E3:5B:D6:DA:D0:32:9E:35:A5:0E:5E:1C:07:8D:E2:A9:5A:00:A6:41:0C:A3:F6:E5:A6:67:2E:BA";

/** Lines with the line ends they must have. */
export function sdp(...lines: string[]): string {
  return lines.map((line) => `${line}\r\n`).join("");
}

export const header = ["v=0", "o=- 1 2 IN IP4 127.0.0.1", "s=-", "t=0 0"];
