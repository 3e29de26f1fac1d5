/** Makes inputs out of inputs: what libFuzzer does to bytes, plus lines and words for texts. */
import type { RandomSource } from "../../src/protocol/primitives/random.js";
import { bytesOf } from "./target.js";

/** Values at which lengths, counts and ids turn. */
const EDGES = [0, 1, 2, 3, 4, 7, 8, 15, 16, 31, 32, 63, 64, 127, 128, 192, 200, 223, 224, 254, 255];
const WIDE_EDGES = [
  0, 1, 0x7f, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff,
];
const TEXT_EDGES = [
  "",
  "0",
  "-1",
  "65535",
  "65536",
  "4294967295",
  "4294967296",
  "1e9",
  "\r\n",
  "\0",
  "%",
  "é",
  "\u{1f600}",
  " ",
];

type Change = (input: Uint8Array) => Uint8Array;

export class Mutator {
  readonly #random: RandomSource;
  readonly #words: readonly Uint8Array[];
  readonly #maxBytes: number;
  readonly #changes: readonly Change[];

  constructor(random: RandomSource, words: readonly string[], maxBytes: number) {
    this.#random = random;
    this.#words = [...words, ...TEXT_EDGES].map(bytesOf);
    this.#maxBytes = maxBytes;
    this.#changes = [
      (input) => this.#flip(input),
      (input) => this.#edge(input),
      (input) => this.#wideEdge(input),
      (input) => this.#add(input),
      (input) => this.#erase(input),
      (input) => this.#repeat(input),
      (input) => this.#insert(input, this.#random.bytes(1 + this.#below(8))),
      (input) => this.#insert(input, this.#pick(this.#words)),
      (input) => this.#overwrite(input, this.#pick(this.#words)),
      (input) => this.#number(input),
      (input) => this.#shuffleLines(input),
      (input) => input.slice(0, this.#below(input.length + 1)),
    ];
  }

  /** A child of `parent`; `other` may lend a part of itself. */
  mutate(parent: Uint8Array, other: Uint8Array): Uint8Array {
    let child = this.#below(8) === 0 ? this.#splice(parent, other) : parent.slice();
    for (let rounds = 1 + this.#below(5); rounds > 0; rounds--) {
      child = child.length === 0 ? this.#random.bytes(1 + this.#below(16)) : this.#pick(this.#changes)(child);
    }
    return child.length > this.#maxBytes ? child.slice(0, this.#maxBytes) : child;
  }

  #below(n: number): number {
    return this.#random.uint32() % n;
  }

  #pick<T>(list: readonly T[]): T {
    return list[this.#below(list.length)];
  }

  #flip(input: Uint8Array): Uint8Array {
    input[this.#below(input.length)] ^= 1 << this.#below(8);
    return input;
  }

  #edge(input: Uint8Array): Uint8Array {
    input[this.#below(input.length)] = this.#pick(EDGES);
    return input;
  }

  #wideEdge(input: Uint8Array): Uint8Array {
    const value = this.#pick(WIDE_EDGES);
    const size = this.#pick([2, 3, 4]);
    const at = this.#below(input.length);
    for (let i = 0; i < size && at + i < input.length; i++) input[at + i] = value >>> (8 * (size - 1 - i));
    return input;
  }

  #add(input: Uint8Array): Uint8Array {
    input[this.#below(input.length)] += this.#below(33) - 16;
    return input;
  }

  #erase(input: Uint8Array): Uint8Array {
    const at = this.#below(input.length);
    const end = Math.min(input.length, at + 1 + this.#below(this.#pick([2, 8, 64])));
    return join(input.subarray(0, at), input.subarray(end));
  }

  #repeat(input: Uint8Array): Uint8Array {
    const at = this.#below(input.length);
    const piece = input.slice(at, at + 1 + this.#below(this.#pick([4, 16, 128])));
    let out = input;
    for (let times = this.#pick([1, 1, 2, 20]); times > 0; times--) out = this.#insertAt(out, at, piece);
    return out;
  }

  #insert(input: Uint8Array, piece: Uint8Array): Uint8Array {
    return this.#insertAt(input, this.#below(input.length + 1), piece);
  }

  #insertAt(input: Uint8Array, at: number, piece: Uint8Array): Uint8Array {
    if (input.length + piece.length > 2 * this.#maxBytes) return input;
    return join(input.subarray(0, at), piece, input.subarray(at));
  }

  #overwrite(input: Uint8Array, piece: Uint8Array): Uint8Array {
    const at = this.#below(input.length);
    input.set(piece.subarray(0, input.length - at), at);
    return input;
  }

  /** Puts another number where the text has one. */
  #number(input: Uint8Array): Uint8Array {
    const isDigit = (byte: number) => byte >= 0x30 && byte <= 0x39;
    const from = this.#below(input.length);
    const found = input.subarray(from).findIndex(isDigit);
    if (found < 0) return input;
    let end = from + found;
    while (end < input.length && isDigit(input[end])) end++;
    const digits = bytesOf(`${this.#pick([...WIDE_EDGES, ...EDGES])}`);
    return join(input.subarray(0, from + found), digits, input.subarray(end));
  }

  /** Repeats, drops or moves a line. */
  #shuffleLines(input: Uint8Array): Uint8Array {
    const starts = [0];
    for (let at = input.indexOf(10); at >= 0; at = input.indexOf(10, at + 1)) starts.push(at + 1);
    if (starts.length < 3) return this.#erase(input);
    const line = this.#below(starts.length - 1);
    const piece = input.slice(starts[line], starts[line + 1]);
    const without = join(input.subarray(0, starts[line]), input.subarray(starts[line + 1]));
    const to = this.#pick(starts.filter((start) => start <= without.length));
    if (this.#below(3) === 0) return without;
    return this.#insertAt(this.#below(2) === 0 ? without : input, to, piece);
  }

  #splice(parent: Uint8Array, other: Uint8Array): Uint8Array {
    const at = this.#below(other.length + 1);
    return join(parent.subarray(0, this.#below(parent.length + 1)), other.subarray(at));
  }
}

function join(...parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
