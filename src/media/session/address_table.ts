import { DatagramTable } from "../../../native/addon.js";

/** One slot: family, port, four words of address, the value's number plus one (0: empty). */
const SLOT_WORDS = 7;
const VALUE = 6;
const MIN_SLOTS = 64;

/**
 * Values by the source of a datagram, read from a {@link DatagramTable} entry without making an object: this is asked once
 * for every datagram of a shared port.
 */
export class AddressTable<T> {
  #slots = new Int32Array(MIN_SLOTS * SLOT_WORDS);
  #mask = MIN_SLOTS - 1;
  #used = 0;
  readonly #values: (T | undefined)[] = [];

  get size(): number {
    return this.#used;
  }

  get(table: Int32Array, entry: number): T | undefined {
    const slot = this.#find(table, entry * DatagramTable.words);
    const value = this.#slots[slot + VALUE];
    return value === 0 ? undefined : this.#values[value - 1];
  }

  set(table: Int32Array, entry: number, value: T): void {
    if (2 * (this.#used + 1) > this.#mask) this.#rebuild(2 * (this.#mask + 1));
    const at = entry * DatagramTable.words;
    const slot = this.#find(table, at);
    const slots = this.#slots;
    if (slots[slot + VALUE] === 0) this.#used++;
    slots[slot] = table[at + DatagramTable.family];
    slots[slot + 1] = table[at + DatagramTable.port];
    for (let i = 0; i < 4; i++) slots[slot + 2 + i] = wordOf(table, at, i);
    slots[slot + VALUE] = this.#numberOf(value) + 1;
  }

  /** Forgets every address of `value`. */
  removeValue(value: T): void {
    const number = this.#values.indexOf(value);
    if (number < 0) return;
    this.#values[number] = undefined;
    this.#rebuild(this.#mask + 1);
  }

  #numberOf(value: T): number {
    const known = this.#values.indexOf(value);
    if (known >= 0) return known;
    const free = this.#values.indexOf(undefined);
    const number = free >= 0 ? free : this.#values.length;
    this.#values[number] = value;
    return number;
  }

  /** Where the source of the entry at `at` stands, or the empty slot where it would. */
  #find(table: Int32Array, at: number): number {
    const slots = this.#slots;
    const family = table[at + DatagramTable.family];
    const port = table[at + DatagramTable.port];
    const a = wordOf(table, at, 0);
    const b = wordOf(table, at, 1);
    const c = wordOf(table, at, 2);
    const d = wordOf(table, at, 3);
    let place = hash(port, a, b, c, d) & this.#mask;
    for (;;) {
      const slot = place * SLOT_WORDS;
      if (slots[slot + VALUE] === 0) return slot;
      if (
        slots[slot] === family &&
        slots[slot + 1] === port &&
        slots[slot + 2] === a &&
        slots[slot + 3] === b &&
        slots[slot + 4] === c &&
        slots[slot + 5] === d
      ) {
        return slot;
      }
      place = (place + 1) & this.#mask;
    }
  }

  /** Moves what still has a value into `size` fresh slots. */
  #rebuild(size: number): void {
    const old = this.#slots;
    this.#slots = new Int32Array(size * SLOT_WORDS);
    this.#mask = size - 1;
    this.#used = 0;
    for (let slot = 0; slot < old.length; slot += SLOT_WORDS) {
      const number = old[slot + VALUE];
      if (number === 0 || this.#values[number - 1] === undefined) continue;
      let place =
        hash(old[slot + 1], old[slot + 2], old[slot + 3], old[slot + 4], old[slot + 5]) & this.#mask;
      while (this.#slots[place * SLOT_WORDS + VALUE] !== 0) place = (place + 1) & this.#mask;
      this.#slots.set(old.subarray(slot, slot + SLOT_WORDS), place * SLOT_WORDS);
      this.#used++;
    }
  }
}

/** IPv4 has its address in the first word alone; what the others hold is of no interest. */
function wordOf(table: Int32Array, at: number, i: number): number {
  return i > 0 && table[at + DatagramTable.family] === 4 ? 0 : table[at + DatagramTable.address + i];
}

/** Only addresses of proven peers get in, so nobody can fill one place with chosen ones. */
function hash(port: number, a: number, b: number, c: number, d: number): number {
  let h = Math.imul(port ^ a, 0x9e3779b1);
  h = Math.imul(h ^ (h >>> 15) ^ b, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13) ^ c, 0xc2b2ae35);
  h = Math.imul(h ^ (h >>> 16) ^ d, 0x27d4eb2f);
  return h ^ (h >>> 15);
}
