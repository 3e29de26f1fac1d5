/** Runs in a network of its own (mdns.test.ts): prints "ok NAME" for each thing that held, and throws at the first that did not. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { native } from "../../native/addon.js";
import { MediaEngine } from "../../src/media/engine.js";
import { MdnsStation } from "../../src/media/session/mdns_station.js";
import { systemRandom } from "../../src/media/session/system_random.js";
import type { TransportSettings } from "../../src/media/transport_api.js";
import { RTCPeerConnection, whenClosed } from "../../src/webrtc/index.js";
import { launchChromium } from "../support/chromium.js";

const NAME = /[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\.local/;
/** A name that nobody answers for. */
const STRANGER = "00000000-0000-4000-8000-000000000000.local";
/** 5353 as /proc/net/udp writes it. */
const MDNS_PORT_HEX = ":14E9 ";

function portIsOpen(): boolean {
  return ["/proc/net/udp", "/proc/net/udp6"].some((file) =>
    readFileSync(file, "utf8").includes(MDNS_PORT_HEX),
  );
}

function startEngine(): Promise<MediaEngine> {
  return MediaEngine.start({
    videoSource: { kind: "none" },
    audioSource: { kind: "tone", frequencyHz: 440, channels: 1 },
    warmUp: false,
  });
}

function until(pc: RTCPeerConnection, state: string): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (pc.connectionState === state) resolve();
    };
    pc.addEventListener("connectionstatechange", look);
    look();
  });
}

/**
 * Everything that a program could show of a connection, but for where checks came from: a name hides that from nobody, and a check may
 * come before its sender's name is resolved.
 */
async function shown(pc: RTCPeerConnection): Promise<string> {
  const stats = [...(await pc.getStats()).values()];
  const told = stats.filter((entry) => entry.type !== "remote-candidate" || entry.candidateType !== "prflx");
  return JSON.stringify([pc.localDescription, told]);
}

async function call(
  a: MediaEngine,
  b: MediaEngine,
  transport: TransportSettings,
  stranger: boolean,
): Promise<string> {
  const [first, second] = [a, b].map(
    (engine) => new RTCPeerConnection({}, { transportFactory: engine, transport }),
  );
  const lines: string[] = [];
  for (const [from, to] of [
    [first, second],
    [second, first],
  ]) {
    from.onicecandidate = ({ candidate }) => {
      if (candidate === null) return;
      lines.push(candidate.candidate);
      void to.addIceCandidate(candidate);
    };
  }
  first.createDataChannel("x");
  await first.setLocalDescription();
  await second.setRemoteDescription(first.localDescription as never);
  await second.setLocalDescription();
  await first.setRemoteDescription(second.localDescription as never);
  if (stranger) {
    const candidate = `candidate:9 1 udp 2130706431 ${STRANGER} 9999 typ host`;
    await first.addIceCandidate({ candidate, sdpMid: "0" });
  }
  await Promise.all([until(first, "connected"), until(second, "connected")]);
  const text = JSON.stringify([lines, await shown(first), await shown(second)]);
  first.close();
  second.close();
  await Promise.all([whenClosed(first), whenClosed(second)]);
  return text;
}

async function engines(): Promise<void> {
  const [a, b] = await Promise.all([startEngine(), startEngine()]);
  const plain = await call(a, b, { interfaces: { families: [4] } }, false);
  assert.match(plain, /10\.77\.0\.1/);
  assert.equal(portIsOpen(), false);
  console.log("ok no socket is open before there is a name");
  for (const [family, address] of [
    [4, /10\.77\.0\.1/],
    [6, /fd77::1/],
  ] as const) {
    const text = await call(a, b, { mdns: "hide", interfaces: { families: [family] } }, true);
    assert.match(text, NAME);
    assert.doesNotMatch(text, address);
    const names = new Set(text.match(new RegExp(NAME, "g"))?.filter((name) => name !== STRANGER));
    assert.equal(names.size, 2, `a name for each connection: ${[...names]}`);
    console.log(`ok two engines meet by names over IPv${family}, though one name has no answer`);
  }
  assert.equal(portIsOpen(), true);
  await Promise.all([a.stop(), b.stop()]);
  assert.equal(portIsOpen(), false);
  console.log("ok the sockets end with the engines");
}

/** In a time of its own. */
function station(): void {
  const poller = new native.UdpPoller();
  const mdns = new MdnsStation(poller, systemRandom);
  let nowUs = 1e6;
  const answers: string[][] = [];
  mdns.resolve(
    "11111111-0000-4000-8000-000000000000.local",
    (addresses) => answers.push([...addresses]),
    nowUs,
  );
  assert.ok(mdns.isOpen);
  while (answers.length === 0) {
    nowUs = mdns.nextDeadlineUs();
    mdns.receive(nowUs);
  }
  assert.equal(answers[0].length, 0);
  const name = mdns.hide("10.77.0.1", nowUs);
  mdns.receive(nowUs + 60e6);
  assert.ok(mdns.isOpen, "names of ours keep it open");
  mdns.resolve(`${name.toUpperCase()}.`, (addresses) => answers.push([...addresses]), nowUs + 60e6);
  assert.deepEqual(answers[1], ["10.77.0.1"]);
  mdns.forget(name);
  mdns.receive(nowUs + 71e6);
  assert.equal(mdns.isOpen, false);
  poller.close();
  console.log("ok a station gives up on a silent name, answers for its own, and closes when idle");
}

async function chromium(): Promise<void> {
  const engine = await startEngine();
  // Without leave to use camera or microphone, Chromium hides its addresses.
  const browser = await launchChromium();
  const page = await browser.newPage();
  const pc = new RTCPeerConnection({}, { transportFactory: engine, transport: { mdns: "hide" } });
  const remote: string[] = [];
  await page.exposeFunction("toUs", (candidate: { candidate: string }) => {
    remote.push(candidate.candidate);
    return pc.addIceCandidate(candidate);
  });
  pc.onicecandidate = ({ candidate }) => {
    if (candidate !== null) void page.evaluate(`pc.addIceCandidate(${JSON.stringify(candidate)})`);
  };
  const channel = pc.createDataChannel("x");
  await pc.setLocalDescription();
  const offer = pc.localDescription;
  const answer = await page.evaluate<string>(`(async () => {
    window.pc = new RTCPeerConnection();
    pc.onicecandidate = ({ candidate }) => candidate && toUs(candidate.toJSON());
    pc.ondatachannel = ({ channel }) => { channel.onmessage = ({ data }) => channel.send("echo " + data); };
    await pc.setRemoteDescription(${JSON.stringify(offer)});
    await pc.setLocalDescription();
    return pc.localDescription.sdp;
  })()`);
  const opened = once(channel as never, "open");
  await pc.setRemoteDescription({ type: "answer", sdp: answer });
  await opened;
  const echoed = once(channel as never, "message");
  channel.send("hello");
  const [event] = (await echoed) as [{ data: string }];
  assert.equal(event.data, "echo hello");
  assert.ok(
    remote.length > 0 && remote.every((line) => NAME.test(line)),
    `Chromium told ${remote.join("; ")}`,
  );
  assert.doesNotMatch(await shown(pc), /10\.77\.0\.1|fd77::1/);
  console.log("ok Chromium and we meet by names alone, each resolving the other's");
  pc.close();
  await whenClosed(pc);
  await browser.close();
  await engine.stop();
}

if (process.argv[2] === "chromium") await chromium();
else {
  station();
  await engines();
}
