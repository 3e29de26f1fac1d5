/** Multicast DNS: messages, and what the resolver and the responder do with them. */
import assert from "node:assert/strict";
import {
  decodeMdns,
  encodeMdnsQuery,
  encodeMdnsResponse,
  MdnsResolver,
  MdnsResponder,
} from "../../../src/protocol/mdns/index.js";
import { seededRandom } from "../../../src/protocol/primitives/random.js";
import type { FuzzTarget } from "../target.js";

const NAME = "1f4712db-ea17-4bcf-a596-105139dfd8bf.local";
const ASKER = { family: 4, address: "192.0.2.9", port: 5353 } as const;
const LEGACY_ASKER = { ...ASKER, port: 40_000 };

function ask(input: Uint8Array): void {
  const resolver = new MdnsResolver();
  resolver.resolve(NAME, 0);
  resolver.handleDatagram(ASKER, input, 1000);
  let resolved = 0;
  for (let output = resolver.pollOutput(); output; output = resolver.pollOutput()) {
    if (output.type === "resolved") resolved++;
  }
  assert.ok(resolved <= 1);
}

function answer(input: Uint8Array): void {
  const responder = new MdnsResponder();
  responder.hide("192.0.2.1", seededRandom(1));
  for (const from of [ASKER, LEGACY_ASKER]) {
    responder.handleDatagram(from, input, 1000);
    for (let output = responder.pollOutput(); output; output = responder.pollOutput()) {
      assert.ok(output.data.length <= 600, "an answer about one name is short");
    }
  }
}

export const target: FuzzTarget = {
  name: "mdns",
  sources: ["src/protocol/mdns/"],
  words: ["\x05local", "\xc0\x0c", "\x00\x01\x00\x01", "\x00\x1c\x80\x01"],
  seeds: () => [
    encodeMdnsQuery(new MdnsResponder().hide("192.0.2.1", seededRandom(1))),
    encodeMdnsQuery(NAME),
    encodeMdnsQuery(NAME, { unicast: true }),
    encodeMdnsResponse([{ name: NAME, address: "192.0.2.7", ttlSeconds: 120, cacheFlush: true }]),
    encodeMdnsResponse([{ name: NAME, address: "2001:db8::7", ttlSeconds: 10, cacheFlush: false }], {
      id: 7,
      question: { name: NAME, type: 28, unicast: false },
    }),
  ],
  run(input) {
    const message = decodeMdns(input);
    ask(input);
    answer(input);
    if (message === undefined) return;
    assert.ok(message.questions.length <= 64 && message.records.length <= 192);
    for (const { name } of [...message.questions, ...message.records]) assert.ok(name.length <= 255);
  },
};
