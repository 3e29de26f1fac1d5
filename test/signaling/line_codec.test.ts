import assert from "node:assert/strict";
import { seededRandom } from "../../src/protocol/primitives/random.js";
import { SignalingError } from "../../src/signaling/errors.js";
import { decodeJson, encodeJson } from "../../src/signaling/json_codec.js";
import {
  decodeLine,
  decodeValue,
  encodeLine,
  encodeValue,
  LineSplitter,
} from "../../src/signaling/line_codec.js";
import {
  type ClientMessage,
  type FieldKind,
  MAX_MESSAGE_BYTES,
  type ServerMessage,
  TABLES,
  USER_STATUSES,
} from "../../src/signaling/messages.js";

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const decodeText = (line: string): ClientMessage => decodeLine("client", utf8(line));
const code = (expected: string) => (error: unknown) =>
  error instanceof SignalingError && error.code === expected;

describe("line codec", () => {
  it("writes TYPE|field:value|… with the fields in the table's order", () => {
    const line = encodeLine("client", { type: "LOGIN", password: "p w", username: "ana" });
    assert.equal(line.toString(), "LOGIN|username:ana|password:p w\n");
    assert.equal(encodeLine("client", { type: "LOGOUT" }).toString(), "LOGOUT\n");
  });

  it("percent-encodes exactly %, |, CR and LF", () => {
    assert.equal(encodeValue("100% a|b\r\nñ:,\t€"), "100%25 a%7Cb%0D%0Añ:,\t€");
  });

  it("decodes any percent-encoded UTF-8, in either case of the digits", () => {
    assert.equal(decodeValue("%7c%7C%25%0d%0A%C3%b1%41"), "||%\r\nñA");
    assert.equal(decodeValue("%2525"), "%25");
  });

  for (const bad of ["%", "%4", "50%", "%zz", "%C3", "%C3%28", "%ED%A0%80", "%FF"]) {
    it(`refuses the value ${bad}`, () => assert.throws(() => decodeValue(bad), code("MALFORMED")));
  }

  it("splits a field at its first colon", () => {
    assert.deepEqual(decodeText("LOGIN|username:ana|password:a:b:c"), {
      type: "LOGIN",
      username: "ana",
      password: "a:b:c",
    });
  });

  it("takes a CR before the line feed and ignores unknown fields", () => {
    assert.deepEqual(decodeText("GET_USERS|future:1\r"), { type: "GET_USERS" });
  });

  const malformed: [string, string][] = [
    ["", "MALFORMED"],
    ["login", "MALFORMED"],
    ["|username:ana", "MALFORMED"],
    ["LOGIN|", "MALFORMED"],
    ["LOGIN|username", "MALFORMED"],
    ["LOGIN|:x", "MALFORMED"],
    ["LOGIN|username:a|username:b|password:c", "MALFORMED"],
    ["LOGIN|user name:a", "MALFORMED"],
    ["LO\rGIN", "MALFORMED"],
    ["LOGIN|username:ana|password:a%", "MALFORMED"],
    ["NOSUCH", "UNKNOWN_TYPE"],
    ["CONSTRUCTOR", "UNKNOWN_TYPE"],
    ["INCOMING_CALL|from:a|sdp:x|callId:1", "UNKNOWN_TYPE"],
    ["LOGIN|username:ana", "BAD_FIELD"],
    ["LOGIN|username:a b|password:x", "BAD_USERNAME"],
    ["LOGIN|username:|password:x", "BAD_USERNAME"],
    ["CALL_ANSWER|to:ana|accept:yes", "BAD_FIELD"],
    ["CALL_ANSWER|to:ana|accept:TRUE", "BAD_FIELD"],
    ["ICE_CANDIDATE|to:ana|candidate:x|sdpMLineIndex:-1", "BAD_FIELD"],
    ["ICE_CANDIDATE|to:ana|candidate:x|sdpMLineIndex:99999", "BAD_FIELD"],
    ["CALL_END|callId:a b", "BAD_FIELD"],
  ];
  for (const [line, expected] of malformed) {
    it(`answers ${JSON.stringify(line)} with ${expected}`, () => {
      assert.throws(() => decodeText(line), code(expected));
    });
  }

  it("refuses bytes that are not UTF-8", () => {
    assert.throws(() => decodeLine("client", Uint8Array.of(0x4c, 0xff, 0xfe)), code("MALFORMED"));
  });

  it("refuses to write a message above 64 KiB, and writes one of exactly 64 KiB", () => {
    const empty = encodeLine("client", { type: "CALL_OFFER", to: "ana", sdp: "" }).length;
    const fits = "x".repeat(MAX_MESSAGE_BYTES - empty);
    assert.equal(
      encodeLine("client", { type: "CALL_OFFER", to: "ana", sdp: fits }).length,
      MAX_MESSAGE_BYTES,
    );
    const over = { type: "CALL_OFFER", to: "ana", sdp: `${fits}x` } as const;
    assert.throws(() => encodeLine("client", over), code("MESSAGE_TOO_LARGE"));
    assert.throws(() => encodeJson("client", over), code("MESSAGE_TOO_LARGE"));
    assert.throws(() => decodeJson("client", JSON.stringify(over)), code("MESSAGE_TOO_LARGE"));
  });
});

describe("json codec", () => {
  const bad: [string, string][] = [
    ["", "MALFORMED"],
    ["{", "MALFORMED"],
    ["null", "MALFORMED"],
    ["[]", "MALFORMED"],
    ['"LOGIN"', "MALFORMED"],
    ["{}", "MALFORMED"],
    ['{"type":1}', "MALFORMED"],
    ['{"type":"__proto__"}', "UNKNOWN_TYPE"],
    ['{"type":"toString"}', "UNKNOWN_TYPE"],
    ['{"type":"LOGIN","username":"a","password":1}', "BAD_FIELD"],
    ['{"type":"LOGIN","username":"a","password":"\\ud800"}', "BAD_FIELD"],
    ['{"type":"LOGIN","username":["a"],"password":"x"}', "BAD_USERNAME"],
    ['{"type":"CALL_ANSWER","to":"a","accept":"true"}', "BAD_FIELD"],
    ['{"type":"ICE_CANDIDATE","to":"a","candidate":"","sdpMLineIndex":1.5}', "BAD_FIELD"],
  ];
  for (const [frame, expected] of bad) {
    it(`answers ${frame || "an empty frame"} with ${expected}`, () => {
      assert.throws(() => decodeJson("client", frame), code(expected));
    });
  }

  it("carries booleans, numbers and user lists as JSON values", () => {
    const users = [{ username: "ana", status: "BUSY" }] as const;
    assert.equal(
      encodeJson("server", { type: "USER_LIST", users }),
      '{"type":"USER_LIST","users":[{"username":"ana","status":"BUSY"}]}',
    );
    assert.deepEqual(decodeJson("client", '{"type":"CALL_ANSWER","to":"b","accept":false,"x":1}'), {
      type: "CALL_ANSWER",
      to: "b",
      accept: false,
    });
  });
});

describe("line splitter", () => {
  const collect = (splitter: LineSplitter, chunk: Uint8Array): string[] =>
    [...splitter.push(chunk)].map((line) => Buffer.from(line).toString());

  it("finds lines across any chunks", () => {
    const splitter = new LineSplitter();
    assert.deepEqual(collect(splitter, utf8("A")), []);
    assert.equal(splitter.midLine, true);
    assert.deepEqual(collect(splitter, utf8("B\nC\n\nD")), ["AB", "C", ""]);
    assert.deepEqual(collect(splitter, utf8("\n")), ["D"]);
    assert.equal(splitter.midLine, false);
  });

  for (const size of [1, 7, MAX_MESSAGE_BYTES]) {
    it(`takes a line of 64 KiB and refuses one byte more, in chunks of ${size}`, () => {
      const feed = (bytes: number): number => {
        const splitter = new LineSplitter();
        const stream = utf8(`${"x".repeat(bytes - 1)}\n`);
        let lines = 0;
        for (let at = 0; at < stream.length; at += size) {
          lines += [...splitter.push(stream.subarray(at, at + size))].length;
        }
        return lines;
      };
      assert.equal(feed(MAX_MESSAGE_BYTES), 1);
      assert.throws(() => feed(MAX_MESSAGE_BYTES + 1), code("MESSAGE_TOO_LARGE"));
    });
  }

  it("refuses an endless line before its end comes", () => {
    const splitter = new LineSplitter();
    assert.throws(
      () => [...splitter.push(new Uint8Array(MAX_MESSAGE_BYTES).fill(0x61))],
      code("MESSAGE_TOO_LARGE"),
    );
  });
});

describe("both codecs, random messages", () => {
  const seed = Number(process.env.TEST_SEED ?? Date.now() % 1_000_000);
  const random = seededRandom(seed);
  const below = (limit: number): number => random.uint32() % limit;
  const pick = <T>(from: readonly T[]): T => from[below(from.length)] as T;
  const PIECES = [
    "%",
    "|",
    "\r",
    "\n",
    ":",
    ",",
    "%25",
    "%7",
    "a",
    "ñ",
    "€",
    "😀",
    "\u0000",
    "\u2028",
    " ",
    "=",
  ];
  const text = (): string => Array.from({ length: below(12) }, () => pick(PIECES)).join("");
  const name = (): string => pick(["a", "Z9", "ñandú", "o.b_c-d", "李", "x".repeat(32)]);
  const make: { readonly [K in FieldKind]: () => unknown } = {
    name,
    text,
    secret: text,
    token: () => pick(["c1", "A.b_c-d", "f".repeat(64)]),
    index: () => below(65_536),
    boolean: () => below(2) === 0,
    status: () => pick(USER_STATUSES),
    users: () => Array.from({ length: below(4) }, () => ({ username: name(), status: pick(USER_STATUSES) })),
  };

  function anyMessage(writer: "client" | "server"): ClientMessage | ServerMessage {
    const [type, spec] = pick(Object.entries(TABLES[writer]));
    const message: Record<string, unknown> = { type };
    for (const [field, { kind, optional }] of Object.entries(spec)) {
      if (!optional || below(2) === 0) message[field] = make[kind]();
    }
    return message as unknown as ClientMessage | ServerMessage;
  }

  it(`come back as they were, also when cut into random chunks (TEST_SEED=${seed})`, () => {
    for (const writer of ["client", "server"] as const) {
      const messages = Array.from({ length: 2000 }, () => anyMessage(writer) as never);
      for (const message of messages) {
        assert.deepEqual(decodeJson(writer, encodeJson(writer, message)), message);
      }
      const stream = Buffer.concat(messages.map((message) => encodeLine(writer, message)));
      const splitter = new LineSplitter();
      const decoded: unknown[] = [];
      for (let at = 0; at < stream.length; ) {
        const size = 1 + below(400);
        for (const line of splitter.push(stream.subarray(at, at + size)))
          decoded.push(decodeLine(writer, line));
        at += size;
      }
      assert.deepEqual(decoded, messages);
    }
  });

  it(`garbage never throws anything but a SignalingError (TEST_SEED=${seed})`, () => {
    for (let round = 0; round < 5000; round++) {
      const line = Buffer.from(encodeLine("client", anyMessage("client") as ClientMessage)).subarray(0, -1);
      for (let flips = below(4); flips >= 0 && line.length > 0; flips--)
        line[below(line.length)] = below(256);
      for (const decode of [() => decodeLine("client", line), () => decodeJson("client", line.toString())]) {
        try {
          decode();
        } catch (error) {
          assert.ok(error instanceof SignalingError, String(error));
        }
      }
    }
  });
});
