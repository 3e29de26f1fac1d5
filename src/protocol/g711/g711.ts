/** G.711 (RFC 3551 §4.5.14): logarithmic samples of one byte, 8000 a second, as table lookup both ways. */

export interface G711Tables {
  /** Code by the 16 bits of a linear sample. */
  readonly encode: Uint8Array;
  /** Linear sample by code. */
  readonly decode: Int16Array;
}

/** ITU-T G.711 §3.3 and table 2a, on 14-bit samples; all bits inverted on the wire. */
function muLawSample(code: number): number {
  const bits = ~code & 0xff;
  const exponent = (bits >> 4) & 7;
  const magnitude = ((((bits & 15) << 3) + 0x84) << exponent) - 0x84;
  return (bits & 0x80) !== 0 ? -magnitude : magnitude;
}

/** ITU-T G.711 §3.2 and table 1a, on 13-bit samples; even bits inverted on the wire. */
function aLawSample(code: number): number {
  const bits = code ^ 0x55;
  const exponent = (bits >> 4) & 7;
  const mantissa = ((bits & 15) << 4) + 8;
  const magnitude = exponent === 0 ? mantissa : (mantissa + 0x100) << (exponent - 1);
  return (bits & 0x80) !== 0 ? magnitude : -magnitude;
}

/** The code whose sample is nearest, of two the smaller in size. */
function tablesOf(sampleOf: (code: number) => number): G711Tables {
  const decode = Int16Array.from({ length: 256 }, (_, code) => sampleOf(code));
  const codes = Array.from(decode.keys()).sort((a, b) => decode[a] - decode[b]);
  const encode = new Uint8Array(65_536);
  let at = 0;
  for (let sample = -32_768; sample < 32_768; sample++) {
    while (at < 255 && isNearer(decode[codes[at + 1]], decode[codes[at]], sample)) at++;
    encode[sample & 0xffff] = codes[at];
  }
  return { encode, decode };
}

function isNearer(next: number, present: number, sample: number): boolean {
  const ahead = Math.abs(next - sample);
  const behind = Math.abs(present - sample);
  return ahead < behind || (ahead === behind && Math.abs(next) <= Math.abs(present));
}

let muLaw: G711Tables | undefined;
let aLaw: G711Tables | undefined;

/** PCMU. Made at the first use. */
export function muLawTables(): G711Tables {
  muLaw ??= tablesOf(muLawSample);
  return muLaw;
}

/** PCMA. Made at the first use. */
export function aLawTables(): G711Tables {
  aLaw ??= tablesOf(aLawSample);
  return aLaw;
}

export function encodeG711({ encode }: G711Tables, pcm: Int16Array, out: Uint8Array): void {
  for (let i = 0; i < pcm.length; i++) out[i] = encode[pcm[i] & 0xffff];
}

export function decodeG711({ decode }: G711Tables, packet: Uint8Array, pcm: Int16Array): void {
  for (let i = 0; i < packet.length; i++) pcm[i] = decode[packet[i]];
}
