import assert from "node:assert/strict";
import { once } from "node:events";
import type { Call, CallConnection } from "../../src/client/call.js";
import { CallController, type CallControllerOptions } from "../../src/client/call_controller.js";
import type { RoomServer } from "../../src/server/room_server.js";
import { SignalingClient } from "../../src/signaling/client.js";
import { eventTarget } from "../../src/webrtc/event_target.js";
import { RTCPeerConnectionIceEvent } from "../../src/webrtc/rtc_events.js";
import { RTCIceCandidate, type RTCIceCandidateInit } from "../../src/webrtc/rtc_ice_candidate.js";
import type { PeerConnectionEvents } from "../../src/webrtc/rtc_peer_connection.js";
import {
  RTCSessionDescription,
  type RTCSessionDescriptionInit,
} from "../../src/webrtc/rtc_session_description.js";
import { cleanUp, lineClient, onCleanUp, PASSWORD, SDP, startServer } from "../server/harness.js";

const LINE = (port: number): string => `candidate:1 1 udp 2130706431 127.0.0.1 ${port} typ host`;

/** Plays a peer connection: connected once it has both descriptions and one candidate of the peer's. */
class PlayedConnection extends eventTarget<PeerConnectionEvents>() {
  localDescription: RTCSessionDescription | null = null;
  remote: RTCSessionDescriptionInit | undefined;
  connectionState: CallConnection["connectionState"] = "new";
  readonly candidates: string[] = [];
  closed = false;

  async setLocalDescription(): Promise<void> {
    const type = this.remote === undefined ? "offer" : "answer";
    this.localDescription = new RTCSessionDescription({ type, sdp: SDP });
    for (const port of [1001, 1002]) {
      const candidate = new RTCIceCandidate({ candidate: LINE(port), sdpMid: "0", sdpMLineIndex: 0 });
      this.dispatchEvent(new RTCPeerConnectionIceEvent("icecandidate", { candidate }));
    }
    this.dispatchEvent(new RTCPeerConnectionIceEvent("icecandidate", { candidate: null }));
    this.#check();
  }

  async setRemoteDescription(description: RTCSessionDescriptionInit): Promise<void> {
    if (description.sdp?.includes("s=unusable")) throw new Error("unusable");
    this.remote = description;
    this.#check();
  }

  async addIceCandidate(candidate: RTCIceCandidateInit | null = {}): Promise<void> {
    if (this.remote === undefined) throw new Error("no remote description");
    this.candidates.push(candidate?.candidate ?? "");
    this.#check();
  }

  fail(state: "failed" | "disconnected" = "failed"): void {
    this.#become(state);
  }

  close(): void {
    this.closed = true;
    this.connectionState = "closed";
  }

  #check(): void {
    if (this.localDescription && this.remote && this.candidates.length === 2) this.#become("connected");
  }

  #become(state: CallConnection["connectionState"]): void {
    this.connectionState = state;
    this.dispatchEvent(new Event("connectionstatechange"));
  }
}

describe("call controller", () => {
  afterEach(cleanUp);

  type Options = Partial<CallControllerOptions<PlayedConnection>>;
  async function phone(
    server: RoomServer,
    name: string,
    options: Options = {},
  ): Promise<CallController<PlayedConnection>> {
    const client = new SignalingClient({
      host: "127.0.0.1",
      port: server.address().port,
      fingerprint: server.fingerprint,
    });
    const createConnection = (): PlayedConnection => new PlayedConnection();
    const controller = new CallController<PlayedConnection>({ client, createConnection, ...options });
    onCleanUp(() => controller.close());
    await controller.login(name, PASSWORD);
    return controller;
  }

  async function phones(options: Options = { autoAnswer: true }) {
    const server = await startServer(["ana", "bob", "eve"]);
    return { server, ana: await phone(server, "ana"), bob: await phone(server, "bob", options) };
  }

  const ended = async (controller: CallController<PlayedConnection>): Promise<string> => {
    const [, end] = (await once(controller, "ended")) as [Call, { code: string }];
    return end.code;
  };

  it("calls an auto-answering peer; candidates reach both sides in order", async () => {
    const { ana, bob } = await phones();
    const answered = once(bob, "connected");
    const call = ana.dial("bob");
    await Promise.all([call.connected(), answered]);
    assert.equal(bob.call?.peer, "ana");
    assert.equal(bob.call?.callId, call.callId);
    for (const controller of [ana, bob]) {
      assert.deepEqual(controller.call?.connection?.candidates, [LINE(1001), LINE(1002)]);
    }
    const bobEnded = ended(bob);
    const bobConnection = bob.call?.connection;
    ana.hangup();
    assert.equal(call.end?.code, "HANGUP");
    assert.equal(await bobEnded, "REMOTE_HANGUP");
    assert.equal(call.connection?.closed, true);
    assert.equal(bobConnection?.closed, true);
    assert.deepEqual([ana.call, bob.call], [undefined, undefined]);
  });

  it("calls again after the end, in the other direction", async () => {
    const { ana, bob } = await phones();
    const first = ana.dial("bob");
    await first.connected();
    const bobEnded = ended(bob);
    first.hangup();
    await bobEnded;
    const incoming = once(ana, "incoming");
    const second = bob.dial("ana");
    const [call] = (await incoming) as [Call];
    await call.answer();
    await second.connected();
  });

  it("waits for the user without autoAnswer, and carries the answer", async () => {
    const { ana, bob } = await phones({});
    const incoming = once(bob, "incoming");
    const outgoing = ana.dial("bob");
    const [call] = (await incoming) as [Call<PlayedConnection>];
    assert.deepEqual([call.state, call.peer, call.connection], ["incoming", "ana", undefined]);
    await Promise.all([call.answer(), outgoing.connected(), call.connected()]);
    await assert.rejects(call.answer(), { code: "NEGOTIATION_FAILED" });
  });

  it("tells the caller of a rejection with its reason", async () => {
    const { ana, bob } = await phones({});
    bob.on("incoming", (call) => call.reject("in a meeting"));
    const call = ana.dial("bob");
    await assert.rejects(call.connected(), { code: "REJECTED", message: "call with bob: in a meeting" });
    assert.equal(call.connection?.closed, true);
  });

  it("says BUSY, NOT_AVAILABLE, IN_CALL as it is", async () => {
    const { server, ana, bob } = await phones();
    await ana.dial("bob").connected();
    const eve = await phone(server, "eve");
    await assert.rejects(eve.dial("bob").connected(), { code: "BUSY" });
    await assert.rejects(eve.dial("nobody").connected(), { code: "NOT_AVAILABLE" });
    assert.throws(() => ana.dial("eve"), { code: "IN_CALL" });
    assert.equal(bob.call?.state, "connected");
  });

  it("hangs up while it rings, on both sides", async () => {
    const { ana, bob } = await phones({});
    const incoming = once(bob, "incoming");
    const call = ana.dial("bob");
    const [ringing] = (await incoming) as [Call];
    const over = ringing.over();
    call.hangup();
    assert.equal((await over).code, "REMOTE_HANGUP");
    const again = once(bob, "incoming");
    const second = ana.dial("bob");
    await again;
    bob.hangup();
    await assert.rejects(second.connected(), { code: "REJECTED" });
  });

  it("ends the call when media fails, and tells the peer", async () => {
    const { ana, bob } = await phones();
    const call = ana.dial("bob");
    await call.connected();
    const bobEnded = ended(bob);
    call.connection?.fail();
    assert.equal(call.end?.code, "CONNECTION_FAILED");
    assert.equal(await bobEnded, "CONNECTION_FAILED");
  });

  it("takes the peer's goodbye on the media path for a hang-up, and names any other failure", async () => {
    for (const [code, state, end, message] of [
      ["ERR_DTLS_CLOSED", "disconnected", "REMOTE_HANGUP", "hangup"],
      ["WORKER_FAILED", "failed", "CONNECTION_FAILED", "the media connection failed: gone (WORKER_FAILED)"],
    ] as const) {
      const { ana, server } = await phones();
      const call = ana.dial("bob");
      await call.connected();
      call.mediaFailure = { code, message: "gone" };
      call.connection?.fail(state);
      assert.deepEqual(await call.over(), { code: end, message });
      await ana.close();
      await server.close();
    }
  });

  it("ends the call when the peer's or the own connection to the server is lost", async () => {
    const { server, ana, bob } = await phones();
    await ana.dial("bob").connected();
    const anaEnded = ended(ana);
    await bob.client.close();
    assert.equal(await anaEnded, "PEER_LOST");
    const eve = await phone(server, "eve", { autoAnswer: true });
    await ana.dial("eve").connected();
    const both = Promise.all([ended(ana), ended(eve)]);
    await server.close();
    assert.deepEqual(await both, ["SIGNALING_LOST", "SIGNALING_LOST"]);
  });

  it("ends the call when a description cannot be used or the connection cannot be made", async () => {
    const { server, bob } = await phones();
    const bare = await (await lineClient(server)).login("eve");
    const bobEnded = ended(bob);
    bare.send({ type: "CALL_OFFER", to: "bob", sdp: SDP.replace("s=-", "s=unusable") });
    assert.equal((await bare.next("CALL_ENDED")).reason, "failed");
    assert.equal(await bobEnded, "NEGOTIATION_FAILED");
    bare.destroy();
    const createConnection = (): never => {
      throw new Error("no camera");
    };
    const client = new SignalingClient({
      host: "127.0.0.1",
      port: server.address().port,
      fingerprint: server.fingerprint,
    });
    const broken = new CallController<PlayedConnection>({ client, createConnection });
    onCleanUp(() => broken.close());
    await broken.login("zoe", PASSWORD, { register: true });
    await assert.rejects(broken.dial("bob").connected(), {
      code: "NEGOTIATION_FAILED",
      message: "call with bob: no camera",
    });
  });

  it("lets both call each other at the same moment and ends up in one call", async () => {
    const { ana, bob } = await phones({});
    for (const controller of [ana, bob])
      controller.on("incoming", (call) => void call.answer().catch(() => {}));
    ana.dial("bob");
    bob.dial("ana");
    while (ana.call?.state !== "connected" || bob.call?.state !== "connected") {
      await Promise.race([once(ana, "connected"), once(bob, "connected")]);
    }
    assert.equal(ana.call.callId, bob.call.callId);
  });
});
