/** The opening handshake of data channels (RFC 8832). */
import assert from "node:assert/strict";
import { encodeAck, encodeOpen, parseDcep } from "../../../src/protocol/dcep/dcep.js";
import type { FuzzTarget } from "../target.js";

export const target: FuzzTarget = {
  name: "dcep",
  sources: ["src/protocol/dcep/"],
  seeds: () => [
    encodeAck(),
    encodeOpen({ ordered: true, priority: 256, label: "chat", protocol: "" }),
    encodeOpen({ ordered: false, maxRetransmits: 3, priority: 128, label: "ünï", protocol: "p" }),
    encodeOpen({
      ordered: false,
      maxPacketLifeTimeMs: 500,
      priority: 1024,
      label: "",
      protocol: "x".repeat(40),
    }),
  ],
  run(input) {
    const message = parseDcep(input);
    if (message?.type !== "open") return;
    assert.deepEqual(parseDcep(encodeOpen(message.open)), message);
    assert.ok(message.open.label.length + message.open.protocol.length <= input.length);
  },
};
