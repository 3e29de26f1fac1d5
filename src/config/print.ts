/** Prints the commented room_rtc.conf from the table of keys. */
import { type Key, schema } from "./schema.js";

const titles: Readonly<Record<string, string>> = {
  network: "Sockets",
  media: "Sources, codecs and their targets",
  rtcp: "Reports and the watch over silence",
  rtp: "RTP reception",
  sdp: "Session description",
  ice: "Connectivity",
  server: "The signaling server, and how the client reaches it",
  turn: "The STUN and TURN server inside `roomrtc server` (docs/turn.md)",
  dcep: "Data channels",
};

export function printConfig(): string {
  const parts = Object.entries(schema).map(([section, keys]) => printSection(section, Object.entries(keys)));
  return [
    "# RoomRTC's configuration. Every key with its default; a missing key or file means the default.",
    "# key = value, quotes optional, # starts a comment. Unknown keys and bad values stop the start.",
    ...parts,
    "",
  ].join("\n");
}

function printSection(section: string, keys: readonly (readonly [string, Key<unknown>])[]): string {
  return [`\n[${section}]`, `# ${titles[section]}`, ...keys.map(([name, key]) => printKey(name, key))].join(
    "\n",
  );
}

function printKey(name: string, key: Key<unknown>): string {
  const unit = key.unit === undefined ? "" : ` (${key.unit})`;
  const lines = [`\n# ${key.about}${unit}; ${key.allowed}.`];
  if (key.notObeyed !== undefined) lines.push(`# Accepted for older files, not obeyed: ${key.notObeyed}.`);
  const value = printValue(key.default);
  lines.push(`${key.notObeyed === undefined ? "" : "# "}${name} = ${value}`);
  return lines.join("\n");
}

function printValue(value: unknown): string {
  const plain = Array.isArray(value) ? value.join(", ") : String(value);
  return /^[\w./:-]+$/.test(plain) && typeof value !== "string" ? plain : JSON.stringify(plain);
}
