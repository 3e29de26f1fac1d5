import assert from "node:assert/strict";
import { deflateSync, gzipSync } from "node:zlib";
import { decodeDescription, encodeDescription } from "../../src/exchange/description_text.js";
import { ExchangeError, type ExchangeErrorCode } from "../../src/exchange/exchange_error.js";

const offer = {
  type: "offer",
  sdp: `v=0\r\n${"a=candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host\r\n".repeat(40)}`,
} as const;

function refuses(code: ExchangeErrorCode, text: string, maxBytes?: number): void {
  assert.throws(
    () => decodeDescription(text, maxBytes === undefined ? {} : { maxBytes }),
    (error) => error instanceof ExchangeError && error.code === code,
    `${code}: ${text.slice(0, 60)}`,
  );
}

const base64 = (text: string | Buffer) => Buffer.from(text).toString("base64");

describe("a description as a line of text", () => {
  for (const compress of [false, true]) {
    it(`comes back as it was, ${compress ? "" : "not "}compressed`, () => {
      const text = encodeDescription(offer, { compress });
      assert.match(text, /^[A-Za-z0-9+/]+=*$/);
      assert.deepEqual(decodeDescription(text), offer);
    });
  }

  it("is much shorter compressed", () => {
    assert.ok(encodeDescription(offer, { compress: true }).length < encodeDescription(offer).length / 3);
  });

  it("is the base64 of JSON that Pion and webrtc-rs print, and reads theirs", () => {
    assert.deepEqual(JSON.parse(Buffer.from(encodeDescription(offer), "base64").toString()), offer);
    assert.deepEqual(decodeDescription("eyJ0eXBlIjoiYW5zd2VyIiwic2RwIjoidj0wXHJcbiJ9"), {
      type: "answer",
      sdp: "v=0\r\n",
    });
  });

  it("reads gzip and base64url too", () => {
    assert.deepEqual(decodeDescription(base64(gzipSync(JSON.stringify(offer)))), offer);
    const odd = { type: "offer", sdp: "???>>>~~~\u00ff\u00fe" } as const;
    const text = Buffer.from(JSON.stringify(odd)).toString("base64url");
    assert.match(text, /[-_]/);
    assert.deepEqual(decodeDescription(text), odd);
  });

  it("tolerates what copying does: line breaks, blanks, lost padding", () => {
    const text = encodeDescription({ type: "answer", sdp: "v=0" });
    assert.match(text, /=$/);
    const copied = `  ${text.replace(/=+$/, "").replace(/(.{20})/g, "$1\r\n\t ")}\n`;
    assert.deepEqual(decodeDescription(copied), { type: "answer", sdp: "v=0" });
  });

  it("writes a description without sdp with an empty one", () => {
    assert.deepEqual(decodeDescription(encodeDescription({ type: "rollback" })), {
      type: "rollback",
      sdp: "",
    });
  });

  it("says what is wrong with a text that is none", () => {
    refuses("NOT_BASE64", "");
    refuses("NOT_BASE64", " \n");
    refuses("NOT_BASE64", "v=0\r\no=- 1 1 IN IP4 0.0.0.0");
    refuses("NOT_BASE64", `${base64("{}")}=====`);
    refuses("NOT_JSON", base64("v=0"));
    refuses("NOT_JSON", encodeDescription(offer).slice(0, 200));
    refuses("DAMAGED", encodeDescription(offer, { compress: true }).slice(0, 60));
    refuses("DAMAGED", base64(Buffer.concat([Buffer.from([0x78, 0x9c]), Buffer.alloc(50, 0xff)])));
    for (const json of [
      "null",
      "1",
      "[]",
      '{"type":"offer"}',
      '{"sdp":"v=0"}',
      '{"type":"hello","sdp":""}',
      '{"type":"offer","sdp":1}',
    ]) {
      refuses("NO_DESCRIPTION", base64(json));
    }
  });

  it("does not inflate a bomb: the limit holds for the decompressed bytes", () => {
    const bomb = deflateSync(Buffer.alloc(50_000_000, 0x20));
    assert.ok(bomb.length < 60_000);
    refuses("TOO_LARGE", base64(bomb));
    refuses("TOO_LARGE", base64(gzipSync(Buffer.alloc(300_000))));
  });

  it("holds plain texts to the limit, before they are decoded and after", () => {
    refuses("TOO_LARGE", "A".repeat(400_000));
    const length = Buffer.byteLength(JSON.stringify(offer));
    assert.deepEqual(decodeDescription(encodeDescription(offer), { maxBytes: length }), offer);
    refuses("TOO_LARGE", encodeDescription(offer), length - 1);
    refuses("TOO_LARGE", encodeDescription(offer, { compress: true }), length - 1);
  });
});
