import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Browser } from "playwright-core";
import { ExchangeError } from "../../src/exchange/exchange_error.js";
import { iceServerLinks, parseIceServerLinks } from "../../src/exchange/whip/ice_server_links.js";
import {
  type MediaServer,
  type MediaServerOptions,
  serveMedia,
} from "../../src/exchange/whip/media_endpoint.js";
import { playMedia, publishMedia } from "../../src/exchange/whip/media_session.js";
import { fragmentOf, parseFragment, restarted, writeFragment } from "../../src/exchange/whip/sdp_fragment.js";
import { MediaEngine } from "../../src/media/engine.js";
import type { TransportSettings } from "../../src/media/transport_api.js";
import {
  createLocalTrack,
  MediaStream,
  nonstandard,
  RTCPeerConnection,
  whenClosed,
} from "../../src/webrtc/index.js";
import { launchChromium } from "../support/chromium.js";
import { decodedPictures } from "../support/pictures.js";
import { nextEvent } from "../webrtc/fake_transport.js";
import { run } from "../webrtc/page_script.js";
import { patient } from "./loopback.js";

const TAG = 0x3417;
const FRAGMENT = "application/trickle-ice-sdpfrag";

describe("WHIP and WHEP", function () {
  this.timeout(120_000);
  let engine: MediaEngine;
  let server: MediaServer | undefined;
  const open: RTCPeerConnection[] = [];

  before(async () => {
    engine = await MediaEngine.start({
      videoSource: { kind: "test", width: 320, height: 180, frameRate: 15, noise: false, tag: TAG },
      audioSource: { kind: "tone", frequencyHz: 440, channels: 1 },
    });
  });
  afterEach(async () => {
    await server?.close();
    server = undefined;
    for (const connection of open) connection.close();
    await Promise.all(open.splice(0).map(whenClosed));
  });
  after(() => engine.stop());

  function connection(settings: TransportSettings = {}): RTCPeerConnection {
    const transport = { bindAddresses: ["127.0.0.1"], ...settings };
    const made = new RTCPeerConnection({}, { transportFactory: engine, transport });
    open.push(made);
    return made;
  }

  function sending(): RTCPeerConnection {
    const made = connection();
    const stream = new MediaStream();
    for (const kind of ["audio", "video"] as const) made.addTrack(createLocalTrack({ kind }), stream);
    return made;
  }

  async function serve(options: Partial<MediaServerOptions> = {}): Promise<MediaServer> {
    server = await serveMedia({ connect: () => connection(), gathering: patient, ...options });
    return server;
  }

  /** The size of the first picture that is decoded of what the peer sends. */
  function firstPicture(pc: RTCPeerConnection): Promise<[number, number]> {
    const sink = new nonstandard.RTCVideoSink(pc.getReceivers()[0].track);
    return new Promise((resolve) => {
      sink.onframe = ({ frame }) => {
        sink.stop();
        resolve([frame.width, frame.height]);
      };
    });
  }

  /** Of a peer's pictures so many were received and none decoded. */
  async function receivedAlone(pc: RTCPeerConnection, frames: number): Promise<void> {
    const sink = new nonstandard.SampleTrackSink(pc.getReceivers()[0].track);
    try {
      for (let received = 0; received < frames; ) {
        await nextEvent(sink, "sample");
        for (const entry of (await pc.getStats()).values()) {
          if (entry.type !== "inbound-rtp") continue;
          assert.equal(entry.framesDecoded, 0);
          received = entry.framesReceived ?? 0;
        }
      }
    } finally {
      sink.stop();
    }
  }

  const request = (url: string | URL, method: string, headers: Record<string, string> = {}, body?: string) =>
    fetch(url, { method, headers, ...(body !== undefined && { body }) });
  const offerOf = async (pc: RTCPeerConnection): Promise<string> => (await pc.createOffer()).sdp ?? "";
  const sdpType = { "Content-Type": "application/sdp" };

  for (const trickle of [false, true])
    it(`publishes to our own server${trickle ? ", candidates trickled" : ""}, and ends the session with DELETE`, async () => {
      const received: string[] = [];
      const { url, endpoint } = await serve({
        answered: (pc) => received.push(...pc.getReceivers().map(({ track }) => track.kind)),
        iceServers: [{ urls: "stun:127.0.0.1:3478" }],
      });
      const pc = sending();
      const session = await publishMedia(pc, url, { ...patient, gathering: patient, trickle });
      await decodedPictures(engine, TAG, 5);
      assert.deepEqual(
        pc.getTransceivers().map(({ currentDirection }) => currentDirection),
        ["sendonly", "sendonly"],
      );
      assert.deepEqual(received, ["audio", "video"]);
      assert.deepEqual(session.iceServers, [{ urls: "stun:127.0.0.1:3478" }]);
      assert.match(session.url.pathname, /^\/whip\/[0-9a-f]{32}$/);
      const [there] = endpoint.connections;
      await session.close();
      assert.deepEqual([pc.signalingState, there.signalingState], ["closed", "closed"]);
      assert.equal((await request(session.url, "DELETE")).status, 404);
    });

  it("restarts ICE over a running session, and media goes on", async () => {
    const { url, endpoint } = await serve({ path: "/whep/room", connect: sending });
    const pc = connection();
    const session = await playMedia(pc, url, { ...patient, gathering: patient });
    await decodedPictures(engine, TAG, 3);
    const credentials = () =>
      [pc.localDescription, pc.remoteDescription].map((d) => fragmentOf(d?.sdp ?? "").ufrag);
    const before = credentials();
    await session.restartIce();
    const after = credentials();
    assert.ok(before[0] !== after[0] && before[1] !== after[1], `${before} ${after}`);
    while (pc.iceConnectionState !== "connected" && pc.iceConnectionState !== "completed")
      await nextEvent(pc, "iceconnectionstatechange");
    await decodedPictures(engine, TAG, 5);
    assert.equal(endpoint.connections.length, 1);
    await session.restartIce();
    await session.close();
  });

  it("plays in Chromium and takes what Chromium publishes, by fetch from a page of another origin", async () => {
    let browser: Browser | undefined;
    const page = createServer((_, response) =>
      response.setHeader("Content-Type", "text/html").end("<title>p</title>"),
    );
    await new Promise<void>((resolve) => page.listen(0, "127.0.0.1", resolve));
    const origin = `http://127.0.0.1:${(page.address() as AddressInfo).port}`;
    try {
      const { url } = await serve({
        path: "/whep",
        connect: sending,
        bearerTokens: ["secret"],
        allowedOrigins: [origin],
      });
      browser = await launchChromium(["--disable-features=WebRtcHideLocalIpsWithMdns"]);
      const tab = await browser.newPage();
      await tab.goto(origin);
      const played = await run<{ width: number; tracks: string[]; location: string; ended: number }>(
        tab,
        `const pc = new RTCPeerConnection();
        const video = document.createElement("video");
        video.muted = true;
        video.autoplay = true;
        document.body.append(video);
        const stream = new MediaStream();
        video.srcObject = stream;
        pc.ontrack = ({ track }) => stream.addTrack(track);
        for (const kind of ["audio", "video"]) pc.addTransceiver(kind, { direction: "recvonly" });
        const candidates = [];
        const gathered = new Promise((resolve) => { pc.onicecandidate = ({ candidate }) => candidate ? candidates.push(candidate) : resolve(); });
        await pc.setLocalDescription();
        const headers = { Authorization: "Bearer secret" };
        const response = await fetch(${JSON.stringify(url)}, { method: "POST", headers: { ...headers, "Content-Type": "application/sdp" }, body: pc.localDescription.sdp });
        const location = new URL(response.headers.get("Location"), response.url).href;
        await pc.setRemoteDescription({ type: "answer", sdp: await response.text() });
        await gathered;
        const ufrag = /a=ice-ufrag:.*/.exec(pc.localDescription.sdp)[0], pwd = /a=ice-pwd:.*/.exec(pc.localDescription.sdp)[0];
        const fragment = [ufrag, pwd, "m=audio 9 RTP/AVP 0", "a=mid:0", ...candidates.map(({ candidate }) => "a=" + candidate), "a=end-of-candidates", ""].join("\\r\\n");
        const patched = await fetch(location, { method: "PATCH", headers: { ...headers, "Content-Type": "application/trickle-ice-sdpfrag", "If-Match": response.headers.get("ETag") }, body: fragment });
        if (patched.status !== 204) throw new Error("PATCH gave " + patched.status + " " + await patched.text());
        while (video.videoWidth === 0 || video.currentTime < 0.5) await new Promise((resolve) => setTimeout(resolve, 50));
        const ended = (await fetch(location, { method: "DELETE", headers })).status;
        return { width: video.videoWidth, tracks: stream.getTracks().map(({ kind }) => kind), location, ended };`,
      );
      assert.deepEqual([played.width, played.tracks, played.ended], [320, ["audio", "video"], 200]);
      await server?.close();
      const whip = await serve({
        allowedOrigins: ["*"],
        connect: () => connection({ decode: "wanted" }),
      });
      await run(
        tab,
        `const pc = window.publisher = new RTCPeerConnection();
        const canvas = document.createElement("canvas");
        const context = canvas.getContext("2d");
        setInterval(() => { context.fillStyle = "hsl(" + performance.now() / 10 + ",90%,50%)"; context.fillRect(0, 0, 300, 150); }, 50);
        pc.addTransceiver(canvas.captureStream(20).getVideoTracks()[0], { direction: "sendonly" });
        const gathered = new Promise((resolve) => { pc.onicecandidate = ({ candidate }) => candidate ?? resolve(); });
        await pc.setLocalDescription();
        await gathered;
        const response = await fetch(${JSON.stringify(whip.url)}, { method: "POST", headers: { "Content-Type": "application/sdp" }, body: pc.localDescription.sdp });
        await pc.setRemoteDescription({ type: "answer", sdp: await response.text() });`,
      );
      const [there] = whip.endpoint.connections;
      // Chromium's first keyframe is long gone: it is asked for another.
      await receivedAlone(there, 10);
      assert.deepEqual(await firstPicture(there), [300, 150]);
    } finally {
      await browser?.close();
      page.close();
    }
  });

  it("refuses what it does not take, and says why", async () => {
    const { url } = await serve({ maxBodyBytes: 20_000 });
    const offer = await offerOf(sending());
    const created = await request(url, "POST", sdpType, offer);
    assert.equal(created.status, 201);
    assert.equal(created.headers.get("accept-patch"), FRAGMENT);
    const session = new URL(created.headers.get("location") ?? "", url);
    const etag = created.headers.get("etag") ?? "";
    const patch = (body: string, headers: Record<string, string> = {}) =>
      request(session, "PATCH", { "Content-Type": FRAGMENT, "If-Match": etag, ...headers }, body);
    const { ufrag } = fragmentOf(offer);
    const same = `a=ice-ufrag:${ufrag}\r\na=ice-pwd:0123456789abcdefghijkl\r\n`;
    const other = "a=ice-ufrag:newone\r\na=ice-pwd:0123456789abcdefghijkl\r\n";
    const cases: readonly (readonly [number, Promise<Response>])[] = [
      [405, request(url, "GET")],
      [405, request(url, "PUT", sdpType, offer)],
      [405, request(session, "GET")],
      [405, request(session, "POST", sdpType, offer)],
      [415, request(url, "POST", { "Content-Type": "application/json" }, offer)],
      [413, request(url, "POST", sdpType, "v".repeat(20_001))],
      [400, request(url, "POST", sdpType, "hello")],
      [400, request(url, "POST", sdpType, "")],
      [404, request(`${url}/0123`, "DELETE")],
      [404, request(`${url}x`, "POST", sdpType, offer)],
      [415, patch(same, { "Content-Type": "text/plain" })],
      [428, request(session, "PATCH", { "Content-Type": FRAGMENT }, same)],
      [412, patch(same, { "If-Match": '"other"' })],
      [412, patch(same, { "If-Match": "*" })],
      [400, patch("a=ice-ufrag:abcd\r\n")],
      [400, patch("a=ice-ufrag:a b\r\na=ice-pwd:x\r\n")],
      [400, patch("a=candidate:1 1 udp 1 127.0.0.1 9 typ host\r\n".repeat(257))],
      [204, patch(`${same}a=candidate:nonsense\r\na=end-of-candidates\r\n`)],
      [204, request(url, "OPTIONS")],
      [204, request(session, "OPTIONS")],
      [400, patch(other.replace("0123456789abcdefghijkl", "short"), { "If-Match": "*" })],
    ];
    for (const [i, [status, response]] of cases.entries())
      assert.equal((await response).status, status, `case ${i}`);
    assert.equal((await request(session, "DELETE")).status, 200);
  });

  it("lets in who has a token, no more sessions than allowed, and no foreign page", async () => {
    const { url, endpoint } = await serve({
      bearerTokens: ["one", "two"],
      maxSessions: 1,
      allowedOrigins: ["https://a.test"],
    });
    const offer = await offerOf(sending());
    const post = (token?: string) =>
      request(
        url,
        "POST",
        { ...sdpType, ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }) },
        offer,
      );
    const missing = await post();
    assert.deepEqual([missing.status, missing.headers.get("www-authenticate")], [401, "Bearer"]);
    assert.equal((await post("three")).status, 401);
    const created = await post("two");
    assert.equal(created.status, 201);
    const full = await post("one");
    assert.deepEqual([full.status, full.headers.get("retry-after")], [503, "5"]);
    const session = new URL(created.headers.get("location") ?? "", url);
    assert.equal((await request(session, "DELETE")).status, 401);
    assert.equal(endpoint.connections.length, 1);
    assert.equal((await request(session, "DELETE", { Authorization: "Bearer one" })).status, 200);
    const allowed = async (origin: string) =>
      (await request(url, "OPTIONS", { Origin: origin })).headers.get("access-control-allow-methods");
    assert.equal(await allowed("https://a.test"), "POST, PATCH, DELETE");
    assert.equal(await allowed("https://b.test"), null);
    await assert.rejects(publishMedia(sending(), url, { ...patient, gathering: patient }), (error) => {
      assert.ok(error instanceof ExchangeError);
      assert.deepEqual([error.code, error.status], ["REFUSED", 401]);
      return true;
    });
    await assert.rejects(serveMedia({ connect: sending, path: "whip/" }), { code: "BAD_OPTION" });
  });

  it("follows redirects without the token, but not for ever, and takes no answer that is none", async () => {
    const { url } = await serve({ bearerTokens: ["secret"] });
    const seen: (string | undefined)[] = [];
    const elsewhere = createServer((incoming, response) => {
      seen.push(incoming.headers.authorization);
      incoming.resume();
      if (incoming.url === "/loop") response.writeHead(307, { Location: "/loop" }).end();
      else if (incoming.url === "/ok")
        response.writeHead(200, { "Content-Type": "application/sdp" }).end("v=0");
      else response.writeHead(307, { Location: url }).end();
    });
    await new Promise<void>((resolve) => elsewhere.listen(0, "127.0.0.1", resolve));
    const base = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}`;
    const from = (path: string) =>
      publishMedia(sending(), base + path, { ...patient, gathering: patient, bearerToken: "secret" }).catch(
        (error) => error,
      );
    assert.equal((await from("/go")).status, 401);
    assert.equal((await from("/loop")).code, "BAD_RESPONSE");
    assert.equal((await from("/ok")).code, "BAD_RESPONSE");
    assert.ok(seen.every((authorization) => authorization === "Bearer secret"));
    elsewhere.close();
  });
});

describe("WHIP's small texts", () => {
  it("Link headers name ICE servers there and back, and pass over what they are not", () => {
    const servers = [
      { urls: ["stun:a.test", "turns:b.test:443?transport=tcp"], username: 'o"k', credential: "p\\w" },
      { urls: "stun:c.test:3478" },
    ];
    const links = iceServerLinks(servers).join(", ");
    assert.deepEqual(parseIceServerLinks(links), [
      { urls: "stun:a.test", username: 'o"k', credential: "p\\w" },
      { urls: "turns:b.test:443?transport=tcp", username: 'o"k', credential: "p\\w" },
      { urls: "stun:c.test:3478" },
    ]);
    assert.deepEqual(
      parseIceServerLinks('<stun:x>; rel="next", <https://y>; rel="ice-server", <stun:z>; rel=ice-server'),
      [{ urls: "stun:z" }],
    );
    assert.deepEqual(parseIceServerLinks(null), []);
  });

  it("fragments carry credentials and candidates of a description, and change another's", () => {
    const sdp = [
      "v=0",
      "o=- 1 41 IN IP4 127.0.0.1",
      "a=group:BUNDLE 0 1",
      "m=audio 9 UDP/TLS/RTP/SAVPF 111",
      "a=mid:0",
      "a=ice-ufrag:old1",
      "a=ice-pwd:oldoldoldoldoldoldoldo",
      "a=candidate:1 1 udp 1 127.0.0.1 1 typ host",
      "a=end-of-candidates",
      "m=video 9 UDP/TLS/RTP/SAVPF 96",
      "a=mid:1",
      "a=ice-ufrag:old1",
      "a=ice-pwd:oldoldoldoldoldoldoldo",
      "",
    ].join("\r\n");
    const fragment = parseFragment(
      "a=ice-ufrag:new1\r\na=ice-pwd:newnewnewnewnewnewnewn\r\nm=audio 9 RTP/AVP 0\r\na=mid:0\r\na=candidate:2 1 udp 2 127.0.0.1 2 typ host\r\n",
    );
    const changed = restarted(sdp, fragment);
    assert.equal(changed.match(/old1|candidate:1/g), null);
    assert.equal(changed.match(/a=ice-ufrag:new1\r\n/g)?.length, 2);
    assert.match(changed, /^v=0\r\no=- 1 42 IN/);
    assert.match(changed, /a=candidate:2 .*\r\nm=video[\s\S]*newn\r\n$/);
    const read = fragmentOf(changed);
    assert.deepEqual(parseFragment(writeFragment(read, read.media, read.mid)), {
      ufrag: "new1",
      pwd: "newnewnewnewnewnewnewn",
      candidates: [{ candidate: "candidate:2 1 udp 2 127.0.0.1 2 typ host", mid: "0" }],
      endOfCandidates: false,
    });
  });
});
