import assert from "node:assert/strict";
import { native, type OpusEncoder, type OpusEncoderOptions } from "../../native/addon.js";

const RATE = 48_000;
const FRAME = 960;
const options: OpusEncoderOptions = { sampleRate: RATE, channels: 1, bitrateBps: 64_000 };

function tone(frame: number, hz: number): Int16Array {
  const pcm = new Int16Array(new SharedArrayBuffer(FRAME * 2));
  for (let i = 0; i < FRAME; i++) {
    pcm[i] = 12_000 * Math.sin((2 * Math.PI * hz * (frame * FRAME + i)) / RATE);
  }
  return pcm;
}

function power(pcm: Int16Array): number {
  return pcm.reduce((sum, value) => sum + value * value, 0) / pcm.length;
}

/** Sign changes from minus to plus a second: a clean tone's frequency. */
function frequency(pcm: Int16Array): number {
  let crossings = 0;
  for (let i = 1; i < pcm.length; i++) if (pcm[i - 1] < 0 && pcm[i] >= 0) crossings++;
  return (crossings * RATE) / pcm.length;
}

function encode(encoder: OpusEncoder, pcm: Int16Array): Uint8Array {
  const out = new Uint8Array(new SharedArrayBuffer(1500));
  return out.subarray(0, encoder.encode(pcm, out));
}

describe("native Opus", () => {
  it("gives a tone back at its frequency and loudness", () => {
    const encoder = new native.OpusEncoder(options);
    const decoder = new native.OpusDecoder({ sampleRate: RATE, channels: 1 });
    const heard = new Int16Array(FRAME * 50);
    for (let i = 0; i < 50; i++) {
      const pcm = heard.subarray(i * FRAME, (i + 1) * FRAME);
      assert.equal(decoder.decode(encode(encoder, tone(i, 500)), pcm), FRAME);
    }
    const settled = heard.subarray(FRAME * 10);
    assert.ok(Math.abs(frequency(settled) - 500) < 5, `heard ${frequency(settled)} Hz`);
    assert.ok(Math.abs(power(settled) / power(tone(0, 500)) - 1) < 0.2);
    encoder.close();
    decoder.close();
  });

  it("conceals a lost frame with more of the same, fading when the loss lasts", () => {
    const encoder = new native.OpusEncoder(options);
    const decoder = new native.OpusDecoder({ sampleRate: RATE, channels: 1 });
    const pcm = new Int16Array(FRAME);
    for (let i = 0; i < 10; i++) decoder.decode(encode(encoder, tone(i, 500)), pcm);
    const before = power(pcm);
    assert.equal(decoder.conceal(pcm, FRAME), FRAME);
    assert.ok(power(pcm) > before / 10);
    for (let i = 0; i < 20; i++) decoder.conceal(pcm, FRAME);
    assert.ok(power(pcm) < before / 10);
  });

  it("recovers a lost frame from the next packet's FEC", () => {
    const encoder = new native.OpusEncoder({
      ...options,
      bitrateBps: 32_000,
      fec: true,
      packetLossPercent: 30,
    });
    const decoder = new native.OpusDecoder({ sampleRate: RATE, channels: 1 });
    const pcm = new Int16Array(FRAME);
    const silence = new Int16Array(FRAME);
    for (let i = 0; i < 20; i++) decoder.decode(encode(encoder, silence), pcm);
    const lost = encode(encoder, tone(0, 300)).length;
    assert.ok(lost > 2);
    const next = encode(encoder, tone(1, 300));
    assert.equal(decoder.decodeFec(next, pcm, FRAME), FRAME);
    // Concealment would go on with silence; only the redundancy in `next` knows of the tone.
    assert.ok(power(pcm) > power(tone(0, 300)) / 10);
  });

  it("sends two bytes or less for lasting silence under DTX", () => {
    const encoder = new native.OpusEncoder({ ...options, bitrateBps: 24_000, dtx: true });
    let small = 0;
    for (let i = 0; i < 100; i++) if (encode(encoder, new Int16Array(FRAME)).length <= 2) small++;
    assert.ok(small > 50);
  });

  it("answers rubbish with -1 and wrong sizes with an error that says which are right", () => {
    const encoder = new native.OpusEncoder(options);
    const decoder = new native.OpusDecoder({ sampleRate: RATE, channels: 2 });
    const out = new Uint8Array(1500);
    assert.equal(decoder.decode(new Uint8Array(0), new Int16Array(FRAME * 2)), -1);
    assert.equal(decoder.decode(Uint8Array.of(0xff, 0xff, 0xff), new Int16Array(5760 * 2)), -1);
    assert.throws(() => encoder.encode(new Int16Array(961), out), {
      code: "OUT_OF_RANGE",
      message: /2\.5, 5, 10, 20, 40 or 60 ms .*found 961/,
    });
    assert.throws(() => decoder.decode(encode(encoder, tone(0, 440)), new Int16Array(10)), {
      code: "BUFFER_TOO_SMALL",
    });
    assert.throws(() => encoder.encode(new Uint8Array(960) as unknown as Int16Array, out), {
      message: "OpusEncoder.encode: pcm must be an Int16Array, found a typed array of another kind",
    });
  });

  it("names option, allowed and found", () => {
    const refused: [Record<string, unknown>, RegExp][] = [
      [{ sampleRate: 44_100 }, /option sampleRate must be one of 8000 12000 16000 24000 48000, found 44100/],
      [{ channels: 3 }, /option channels must be an integer from 1 to 2, found 3/],
      [{ bitrateBps: 600_000 }, /option bitrateBps must be an integer from 6000 to 510000, found 600000/],
      [
        { application: "music" },
        /option application must be one of "voip" "audio" "lowdelay", found "music"/,
      ],
      [{ fec: 1 }, /option fec must be true or false, found 1/],
      [{ complexity: 11 }, /option complexity must be an integer from 0 to 10, found 11/],
      [{ packetLossPercent: 101 }, /option packetLossPercent must be an integer from 0 to 100, found 101/],
    ];
    for (const [change, message] of refused) {
      assert.throws(() => new native.OpusEncoder({ ...options, ...change } as OpusEncoderOptions), {
        message,
      });
    }
  });
});
