/** SDP fragments and Link headers of WHIP: refused, or nothing of them reaches a description's other lines. */
import assert from "node:assert/strict";
import { HttpRefusal } from "../../../src/exchange/http/answer.js";
import { parseIceServerLinks } from "../../../src/exchange/whip/ice_server_links.js";
import {
  fragmentOf,
  parseFragment,
  restarted,
  writeFragment,
} from "../../../src/exchange/whip/sdp_fragment.js";
import { bytesOf, type FuzzTarget, textOf, unlessRefused } from "../target.js";

const DESCRIPTION = [
  "v=0",
  "o=- 1 1 IN IP4 127.0.0.1",
  "s=-",
  "m=audio 9 UDP/TLS/RTP/SAVPF 111",
  "a=mid:0",
  "a=ice-ufrag:abcd",
  "a=ice-pwd:0123456789abcdefghijkl",
  "",
].join("\r\n");
const FRAGMENT =
  "a=ice-ufrag:wxyz\r\na=ice-pwd:0123456789abcdefghijkl\r\nm=audio 9 RTP/AVP 0\r\na=mid:0\r\na=candidate:1 1 udp 1 127.0.0.1 9 typ host\r\na=end-of-candidates\r\n";

export const target: FuzzTarget = {
  name: "whip",
  sources: ["src/exchange/whip/sdp_fragment.ts", "src/exchange/whip/ice_server_links.ts"],
  words: [
    "a=ice-ufrag:",
    "a=ice-pwd:",
    "a=candidate:",
    "a=mid:",
    "m=",
    "\r\n",
    'rel="ice-server"',
    "<turn:",
    "credential=",
  ],
  seeds: () => [
    bytesOf(FRAGMENT),
    bytesOf('<stun:a.test>; rel="ice-server", <turn:b.test>; rel="ice-server"; username="u"; credential="c"'),
  ],
  run(input) {
    const text = textOf(input);
    for (const { urls } of parseIceServerLinks(text)) assert.match(String(urls), /^(?:stun|turn)s?:[^<>]+$/i);
    fragmentOf(text);
    const fragment = unlessRefused(() => parseFragment(text), HttpRefusal);
    if (fragment?.ufrag === undefined) return;
    const lines = restarted(DESCRIPTION, fragment).split("\r\n");
    const added = lines.filter((line) => !DESCRIPTION.includes(line) && !line.startsWith("o=- 1 2 "));
    // Lines that the fragment may bring, and no others: a candidate cannot forge one.
    for (const line of added)
      assert.match(line, /^a=(?:ice-ufrag:|ice-pwd:|candidate:|end-of-candidates)[^\r\n]*$/);
    assert.equal(lines.filter((line) => line.startsWith("m=")).length, 1);
    const again = parseFragment(writeFragment(fragment, "audio", "0"));
    assert.deepEqual(
      [again.ufrag, again.pwd, again.candidates.length],
      [fragment.ufrag, fragment.pwd, fragment.candidates.length],
    );
  },
};
