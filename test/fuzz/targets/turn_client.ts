/** A TURN client whose server says anything: the input's datagrams come at every stage of an allocation. */
import assert from "node:assert/strict";
import { seededRandom } from "../../../src/protocol/primitives/random.js";
import {
  decodeStun,
  encodeStun,
  errorCodeAttribute,
  longTermKey,
  StunMessage,
  StunAttributeType as Type,
  textAttribute,
  uint32Attribute,
  xorAddressAttribute,
} from "../../../src/protocol/stun/index.js";
import { encodeChannelData, TurnClient } from "../../../src/protocol/turn/index.js";
import { hmacSha1, md5 } from "../../protocol/stun/crypto.js";
import { datagramsOf, type FuzzTarget, joinDatagrams } from "../target.js";

const PEER = { family: 4, address: "198.51.100.7", port: 7000 } as const;
const key = longTermKey("user", "realm", "word", md5);

/** An honest server's answers up to a granted allocation with a channel. */
function answer(request: StunMessage): Uint8Array {
  const { method, transactionId } = request;
  const isSigned = request.has(Type.MessageIntegrity);
  return encodeStun({
    method,
    messageClass: isSigned ? 2 : 3,
    transactionId,
    attributes: isSigned
      ? [
          xorAddressAttribute(
            Type.XorRelayedAddress,
            { family: 4, address: "203.0.113.1", port: 50_000 },
            transactionId,
          ),
          xorAddressAttribute(
            Type.XorMappedAddress,
            { family: 4, address: "203.0.113.9", port: 4000 },
            transactionId,
          ),
          uint32Attribute(Type.Lifetime, 600),
        ]
      : [
          errorCodeAttribute(401, "who?"),
          textAttribute(Type.Realm, "realm"),
          textAttribute(Type.Nonce, "nonce"),
        ],
    ...(isSigned && { integrity: { key, hmac: hmacSha1 } }),
  });
}

class Client {
  readonly turn = new TurnClient({
    transport: "udp",
    username: "user",
    password: "word",
    random: seededRandom(3),
    hmacSha1,
    md5,
  });
  nowUs = 0;

  /** Hands what was sent to the honest server, `steps` times; without it the requests get lost. */
  talk(steps: number): void {
    for (let step = 0; step < steps; step++) {
      for (const request of this.#sent()) {
        const message = decodeStun(request);
        if (message instanceof StunMessage && message.messageClass === 0)
          this.turn.handleMessage(answer(message), this.nowUs);
      }
    }
  }

  hear(datagrams: readonly Uint8Array[]): void {
    for (const datagram of datagrams) {
      this.turn.handleMessage(datagram, this.nowUs);
      assert.ok(this.#sent().length <= 4, "a server cannot make its client talk");
    }
    this.nowUs += 10e6;
    this.turn.handleTimeout(this.nowUs);
    this.#sent();
  }

  #sent(): Uint8Array[] {
    const sent: Uint8Array[] = [];
    for (let output = this.turn.pollOutput(); output; output = this.turn.pollOutput()) {
      if (output.type === "transmit") sent.push(output.data);
    }
    return sent;
  }
}

function seeds(): Uint8Array[] {
  const out: Uint8Array[] = [];
  for (const steps of [0, 1, 2, 3]) {
    const client = new Client();
    client.turn.allocate(0);
    client.talk(steps);
    if (client.turn.state === "allocated") client.turn.bindChannel(PEER, 0);
    const requests: Uint8Array[] = [];
    for (let output = client.turn.pollOutput(); output; output = client.turn.pollOutput()) {
      if (output.type === "transmit") requests.push(output.data);
    }
    const answers = requests.map((request) => answer(decodeStun(request) as StunMessage));
    out.push(Uint8Array.of(steps, ...joinDatagrams(answers)));
  }
  out.push(Uint8Array.of(4, ...joinDatagrams([encodeChannelData(0x4000, Uint8Array.of(1, 2, 3), false)])));
  return out;
}

export const target: FuzzTarget = {
  name: "turn_client",
  sources: ["src/protocol/turn/", "src/protocol/stun/"],
  seeds,
  run(input) {
    const client = new Client();
    client.turn.allocate(0);
    client.talk((input[0] ?? 0) & 3);
    if (client.turn.state === "allocated") {
      client.turn.send(PEER, Uint8Array.of(1), 0);
      client.turn.bindChannel(PEER, 0);
      client.talk((input[0] ?? 0) & 4);
    }
    client.hear(datagramsOf(input.subarray(1)));
    client.turn.close(client.nowUs);
    client.hear([]);
  },
};
