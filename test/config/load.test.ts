import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigError, defaultConfig, loadConfig, parseConfig } from "../../src/config/load.js";
import { printConfig } from "../../src/config/print.js";
import { schema } from "../../src/config/schema.js";

function errorOf(text: string): ConfigError {
  try {
    parseConfig(text, "room_rtc.conf");
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error;
  }
  return assert.fail("no error");
}

describe("configuration", () => {
  it("reads values with and without quotes and leaves comments out", () => {
    const { config } = parseConfig(
      '# head\n[media]\nframe_width = 640 # inline\nframe_height = "360"\nvideo_source = "file:a #1.y4m"\n',
      "c",
    );
    assert.equal(config.media.frame_width, 640);
    assert.equal(config.media.frame_height, 360);
    assert.equal(config.media.video_source, "file:a #1.y4m");
    assert.equal(config.media.frame_rate, schema.media.frame_rate.default);
  });

  it("names file, line, key, found and allowed for a bad value", () => {
    const error = errorOf("[media]\n\nframe_rate = fast\n");
    assert.equal(error.code, "CONFIG_BAD_VALUE");
    assert.equal(
      error.message,
      "room_rtc.conf:3: frame_rate: found 'fast'; allowed: an integer from 1 to 120",
    );
  });

  for (const [title, text, code] of [
    ["an unknown key", "[media]\nframe_wdith = 1\n", "CONFIG_UNKNOWN_KEY"],
    ["an unknown section", "[medai]\nframe_width = 1\n", "CONFIG_UNKNOWN_KEY"],
    ["a key named like an object's property", "[media]\nconstructor = 1\n", "CONFIG_UNKNOWN_KEY"],
    ["a section named like an object's property", "[__proto__]\nx = 1\n", "CONFIG_UNKNOWN_KEY"],
    ["an unknown flat key", "frobnicate = 1\n", "CONFIG_UNKNOWN_KEY"],
    ["a line that is no pair", "[media]\nframe_width\n", "CONFIG_SYNTAX"],
    ["a second value", "[media]\nframe_width = 64\nframe_width = 65\n", "CONFIG_SYNTAX"],
    ["a number out of range", "[network]\nport_min = 65536\n", "CONFIG_BAD_VALUE"],
    ["a number with a tail", "[network]\nport_min = 12x\n", "CONFIG_BAD_VALUE"],
    ["an address that is none", "[network]\nbind_address = 127.0.0.256\n", "CONFIG_BAD_VALUE"],
    ["a server address without port", "[server]\nclient_server_addr = localhost\n", "CONFIG_BAD_VALUE"],
  ] as const) {
    it(`stops at ${title}`, () => assert.equal(errorOf(text).code, code));
  }

  it("accepts the ancestor's keys that the standard decides, with one notice each", () => {
    const { notices } = parseConfig(
      "[media]\nframe_ssrc = 1\nmedia_protocol = RTP/AVP\n[ice]\nfoundation = 1\n",
      "c",
    );
    assert.equal(notices.length, 3);
    assert.match(notices[0], /c:2: frame_ssrc is read but not obeyed: SSRCs are chosen at random/);
  });

  it("reads the flat server.conf and client.conf", () => {
    const { config } = parseConfig(
      "server_addr = 127.0.0.1:9000\nmax_clients = 3\nlog_file = x.log\nvideo_width=320\nvideo_height=240\nfps=15\n",
      "client.conf",
    );
    assert.equal(config.server.client_server_addr, "127.0.0.1:9000");
    assert.equal(config.server.server_client_addr, "127.0.0.1:9000");
    assert.equal(config.server.max_amount_of_users_connected, 3);
    assert.equal(config.server.client_log_file, "x.log");
    assert.deepEqual(
      [config.media.frame_width, config.media.frame_height, config.media.frame_rate],
      [320, 240, 15],
    );
  });

  it("takes words in either case", () => {
    const { config } = parseConfig("[media]\nvideo_codec_name = h264\naudio_codec_name = OPUS\n", "x.conf");
    assert.deepEqual([config.media.video_codec_name, config.media.audio_codec_name], ["H264", "opus"]);
    assert.throws(() => parseConfig("[media]\nvideo_codec_name = VP8\n", "x.conf"), {
      code: "CONFIG_BAD_VALUE",
      message: "x.conf:2: video_codec_name: found 'VP8'; allowed: one of H264",
    });
  });

  it("lets flags override the file, checked the same way", () => {
    const flags = [["media", "frame_rate", "15"]] as const;
    assert.equal(parseConfig("[media]\nframe_rate = 60\n", "c", flags).config.media.frame_rate, 15);
    assert.throws(
      () => parseConfig("", "c", [["media", "frame_rate", "0"]]),
      /command line:0: frame_rate: found '0'/,
    );
  });

  it("takes defaults with a notice where the file is missing, and stops where it is unreadable", () => {
    const folder = mkdtempSync(join(tmpdir(), "roomrtc-config-"));
    try {
      const { config, notices } = loadConfig(join(folder, "none.conf"));
      assert.deepEqual(config, defaultConfig());
      assert.match(notices[0], /no such file, defaults apply/);
      assert.throws(() => loadConfig(folder), /CONFIG_UNREADABLE|EISDIR/);
      writeFileSync(join(folder, "a.conf"), "[media]\nframe_rate = 24\n");
      assert.equal(loadConfig(join(folder, "a.conf")).config.media.frame_rate, 24);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("the shipped room_rtc.conf is what the table prints, names every key and means the defaults", () => {
    const shipped = readFileSync(new URL("../../../room_rtc.conf", import.meta.url), "utf8");
    assert.equal(shipped, printConfig(), "stale: node scripts/generate-config.mjs");
    const { config, notices } = parseConfig(shipped, "room_rtc.conf");
    assert.deepEqual(config, defaultConfig());
    assert.deepEqual(notices, []);
    for (const keys of Object.values(schema)) {
      for (const key of Object.keys(keys)) assert.match(shipped, new RegExp(`^(# )?${key} = `, "m"));
    }
  });
});
