import assert from "node:assert/strict";
import { emptyMedia, type SdpRid } from "../../../src/protocol/sdp/sdp_model.js";
import {
  agreedLayers,
  describeSimulcast,
  MAX_LAYERS,
  simulcastOf,
  sourceLayersOf,
} from "../../../src/protocol/sdp/simulcast.js";

function section(simulcast: string, ...rids: string[]) {
  const media = emptyMedia("video", "UDP/TLS/RTP/SAVPF");
  media.simulcast = simulcast;
  media.rids = rids.map((line): SdpRid => {
    const [id, direction, restrictions] = line.split(" ");
    const known = direction === "send" ? "send" : "recv";
    return { id, direction: known, ...(restrictions !== undefined && { restrictions }) };
  });
  return media;
}

const names = (layers: readonly { rid: string }[]) => layers.map(({ rid }) => rid);

describe("simulcast in descriptions (RFC 8851, RFC 8853)", () => {
  it("reads both directions, pauses, and the first of alternatives", () => {
    const rids = ["1 send", "2 send", "3 send", "4 send", "5 recv"];
    const { send, recv } = simulcastOf(section("send 1,2;~3,4 recv 5", ...rids));
    assert.deepEqual(send, [
      { rid: "1", paused: false },
      { rid: "3", paused: true },
    ]);
    assert.deepEqual(recv, [{ rid: "5", paused: false }]);
    assert.deepEqual(simulcastOf(section("recv 5 send 1", ...rids)).send, [{ rid: "1", paused: false }]);
  });

  it("takes what breaks the grammar for no simulcast", () => {
    const rids = ["1 send", "2 send"];
    const broken = ["", "send", "1;2", "both 1", "send 1 send 2", "send 1;;2", "send ~~1", "send 1; 2"];
    for (const text of broken)
      assert.deepEqual(simulcastOf(section(text, ...rids)), { send: [], recv: [] }, JSON.stringify(text));
  });

  it("leaves out rids without a line of their own, with lines that differ, or for the other direction", () => {
    const media = section("send a;b;c;d", "a send", "b recv", "d send", "d send max-width=640", "d send");
    assert.deepEqual(names(simulcastOf(media).send), ["a"]);
    const twice = section("send a recv a", "a send", "a recv");
    assert.deepEqual(simulcastOf(twice), { send: [], recv: [] });
  });

  it("takes what is said again for said once", () => {
    const media = section("recv a;b;a", "a recv max-width=640", "b recv", "a recv max-width=640");
    assert.deepEqual(names(simulcastOf(media).recv), ["a", "b"]);
  });

  it("looks at no more layers than there may be, whatever an offer names", () => {
    const many = Array.from({ length: 100 }, (_, i) => `r${i}`);
    const media = section(`send ${many.join(";")}`, ...many.map((rid) => `${rid} send`));
    assert.deepEqual(names(simulcastOf(media).send), many.slice(0, MAX_LAYERS));
    media.sourceGroups = [{ semantics: "SIM", ssrcs: [1, 2, 2, 3, 4, 5, 6] }];
    assert.deepEqual(sourceLayersOf(media), [1, 2, 3, 4]);
  });

  it("is written only where packets can tell their layer", () => {
    const layers = {
      send: [
        { rid: "h", paused: false },
        { rid: "l", paused: true },
      ],
      recv: [],
    };
    const media = emptyMedia("video", "UDP/TLS/RTP/SAVPF");
    describeSimulcast(media, layers);
    assert.deepEqual([media.simulcast, media.rids], [undefined, []]);
    media.extensions = ["mid", "rtp-stream-id"].map((name, i) => ({
      id: i + 1,
      uri: `urn:ietf:params:rtp-hdrext:sdes:${name}`,
    }));
    describeSimulcast(media, layers);
    assert.equal(media.simulcast, "send h;~l");
    assert.deepEqual(simulcastOf(media), layers);
  });

  it("agrees on what both name, paused where either says so", () => {
    const layer = (rid: string, paused = false) => ({ rid, paused });
    const agreed = agreedLayers(
      [layer("h"), layer("m"), layer("l", true)],
      [layer("l"), layer("x"), layer("h", true)],
    );
    assert.deepEqual(agreed, [layer("h", true), layer("l", true)]);
  });
});
