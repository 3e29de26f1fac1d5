/**
 * Datagrams at any moment of a call's set-up (ICE, DTLS, the first media), in virtual time. From a stranger's address: the call comes up all
 * the same. From the peer's, where whoever is on the path may write: nothing is thrown, and what comes back is bounded.
 */
import assert from "node:assert/strict";
import { VirtualCall } from "../../session/virtual_call.js";
import { datagramsOf, type FuzzTarget, joinDatagrams } from "../target.js";

const STRANGER = { family: 4, address: "10.9.9.9", port: 9 } as const;
/** Of both sides: checks, two flights each way, the first packets. */
const MOMENTS = 30;
const MOST_ANSWERS = 100;
/** Of the recorded datagrams: each seed costs a call. */
const EVERY = 5;

/** One side sends; a call of both would prove no more. */
function begin(seed: number): VirtualCall {
  return new VirtualCall({ seed, b: { sends: false } });
}

/** Runs until so many datagrams were sent; `keep` sees each. */
function runUntil(
  call: VirtualCall,
  moment: number,
  keep: (data: Uint8Array) => void = () => undefined,
): void {
  let sent = 0;
  for (const peer of [call.a, call.b]) {
    peer.onTransmit = (_, data) => {
      sent++;
      keep(data);
      return true;
    };
  }
  call.run(1, () => sent >= moment);
}

/** Datagrams of a set-up, heard again a little before and after its moment. */
function recorded(): Uint8Array[] {
  const seen: Uint8Array[] = [];
  const call = begin(11);
  runUntil(call, MOMENTS, (data) => seen.push(data.slice(0, 900)));
  call.close();
  return seen.flatMap((data, i) => {
    if (i % EVERY !== 0) return [];
    const moments = [Math.max(0, i - 1), Math.min(MOMENTS - 1, i + 2)];
    return moments.map((moment, from) => Uint8Array.from([(moment << 1) | from, ...joinDatagrams([data])]));
  });
}

export const target: FuzzTarget = {
  name: "setup",
  sources: ["src/media/session/", "src/protocol/ice/", "src/protocol/stun/"],
  isNative: true,
  maxBytes: 3000,
  seeds: recorded,
  run(input) {
    if (input.length < 1) return;
    const fromStranger = (input[0] & 1) === 0;
    const call = begin(12);
    try {
      const { a, b } = call;
      runUntil(call, (input[0] >> 1) % MOMENTS);
      let answers = 0;
      b.onTransmit = () => {
        answers++;
        return true;
      };
      for (const data of datagramsOf(input.subarray(1), 16))
        b.receive({ data, from: fromStranger ? STRANGER : a.address });
      assert.ok(answers <= MOST_ANSWERS, `${answers} datagrams in answer`);
      const flows = () => b.units.length > 0;
      const cameUp = call.run(fromStranger ? 10 : 0.2, flows);
      assert.ok(cameUp || !fromStranger, "a stranger kept the call from coming up");
    } finally {
      call.close();
    }
  },
};
