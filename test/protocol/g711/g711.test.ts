import assert from "node:assert/strict";
import {
  aLawTables,
  decodeG711,
  encodeG711,
  type G711Tables,
  muLawTables,
} from "../../../src/protocol/g711/g711.js";

describe("G.711", () => {
  // ITU-T G.711 tables 1a and 2a: the values of both ends of the scale, of zero and of the steps around it, on 16 bits.
  const known: readonly [string, G711Tables, readonly (readonly [code: number, sample: number])[]][] = [
    [
      "mu-law",
      muLawTables(),
      [
        [0x00, -32124],
        [0x80, 32124],
        [0xff, 0],
        [0x7f, 0],
        [0xfe, 8],
        [0xf0, 120],
        [0xef, 132],
        [0x8f, 16764],
      ],
    ],
    [
      "A-law",
      aLawTables(),
      [
        [0x2a, -32256],
        [0xaa, 32256],
        [0xd5, 8],
        [0x55, -8],
        [0xd4, 24],
        [0xc5, 264],
        [0xba, 16128],
      ],
    ],
  ];

  for (const [name, tables, pairs] of known) {
    it(`${name} codes mean what the recommendation says`, () => {
      for (const [code, sample] of pairs) assert.equal(tables.decode[code], sample, `code ${code}`);
    });

    it(`${name} gives each sample the nearest code, and each code's sample that code again`, () => {
      for (let code = 0; code < 256; code++) {
        const again = tables.encode[tables.decode[code] & 0xffff];
        assert.equal(tables.decode[again], tables.decode[code]);
      }
      for (let sample = -32768; sample <= 32767; sample += 13) {
        const found = Math.abs(tables.decode[tables.encode[sample & 0xffff]] - sample);
        const best = Math.min(...Array.from(tables.decode, (value) => Math.abs(value - sample)));
        assert.equal(found, best, `sample ${sample}`);
      }
    });
  }

  it("carries a tone with 35 dB between it and the noise", () => {
    const pcm = Int16Array.from({ length: 800 }, (_, i) => 8000 * Math.sin((2 * Math.PI * 440 * i) / 8000));
    for (const [, tables] of known) {
      const bytes = new Uint8Array(pcm.length);
      const back = new Int16Array(pcm.length);
      encodeG711(tables, pcm, bytes);
      decodeG711(tables, bytes, back);
      const power = (values: Iterable<number>) => [...values].reduce((sum, value) => sum + value ** 2, 0);
      const noise = power(Array.from(back, (value, i) => value - pcm[i]));
      assert.ok(10 * Math.log10(power(pcm) / noise) > 35);
    }
  });
});
