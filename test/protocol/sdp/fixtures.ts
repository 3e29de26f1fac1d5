import { readFileSync } from "node:fs";

/** A description recorded from a real stack; tests run from the project's folder. */
export function fixture(name: string): string {
  return readFileSync(`test/fixtures/sdp/${name}.sdp`, "utf8");
}

/** Lines with the line ends they must have. */
export function sdp(...lines: string[]): string {
  return lines.map((line) => `${line}\r\n`).join("");
}

export const header = ["v=0", "o=- 1 2 IN IP4 127.0.0.1", "s=-", "t=0 0"];
