/** One call: a peer connection, its description and candidates exchanged over the signaling. */
import type { ClientMessage, ServerMessageOf } from "../src/signaling/messages.js";
import type { LocalMedia } from "./local_media.js";

export interface PeerCallListener {
  send(message: ClientMessage): void;
  /** Tracks came or the connection's state changed. */
  changed(): void;
  /** Negotiation or media failed. */
  failed(why: string): void;
}

/** H.264 first: every RoomRTC terminal decodes it, many only that, and phones have hardware for it. */
function preferH264(transceiver: RTCRtpTransceiver): void {
  const codecs = RTCRtpReceiver.getCapabilities?.("video")?.codecs;
  if (codecs === undefined || typeof transceiver.setCodecPreferences !== "function") return;
  const isH264 = ({ mimeType }: { mimeType: string }): boolean => mimeType.toLowerCase() === "video/h264";
  transceiver.setCodecPreferences([...codecs.filter(isH264), ...codecs.filter((codec) => !isH264(codec))]);
}

export class PeerCall {
  readonly remote = new MediaStream();
  readonly connection = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
  #unsent: RTCIceCandidate[] | null = [];
  #early: RTCIceCandidateInit[] | null = [];
  #closed = false;

  constructor(
    readonly peer: string,
    readonly callId: string,
    private readonly listener: PeerCallListener,
  ) {
    const { connection } = this;
    connection.onicecandidate = ({ candidate }) => {
      if (candidate === null) return;
      if (this.#unsent !== null) this.#unsent.push(candidate);
      else this.#sendCandidate(candidate);
    };
    connection.ontrack = ({ track }) => {
      this.remote.addTrack(track);
      track.onmute = track.onunmute = () => listener.changed();
      listener.changed();
    };
    connection.onconnectionstatechange = () => {
      if (connection.connectionState === "failed") listener.failed("The media connection failed.");
      else listener.changed();
    };
  }

  get connected(): boolean {
    return this.connection.connectionState === "connected";
  }

  /** Makes the offer and sends it. Both kinds are negotiated also without a device, so that one can be added later. */
  async offer(media: LocalMedia): Promise<void> {
    for (const kind of ["audio", "video"] as const) {
      const transceiver = this.connection.addTransceiver(media[kind] ?? kind, { direction: "sendrecv" });
      if (kind === "video") preferH264(transceiver);
    }
    await this.#attempt(async () => {
      await this.connection.setLocalDescription();
      this.#send({ type: "CALL_OFFER", to: this.peer, sdp: this.#localSdp(), callId: this.callId });
      this.#sendCandidates();
    });
  }

  async answer(sdp: string, media: LocalMedia): Promise<void> {
    await this.#attempt(async () => {
      const applied = this.connection.setRemoteDescription({ type: "offer", sdp });
      this.#takeEarly();
      await applied;
      for (const transceiver of this.connection.getTransceivers()) await this.#fill(transceiver, media);
      await this.connection.setLocalDescription();
      const { peer: to, callId } = this;
      this.#send({ type: "CALL_ANSWER", to, accept: true, sdp: this.#localSdp(), callId });
      this.#sendCandidates();
    });
  }

  async accepted(sdp: string): Promise<void> {
    await this.#attempt(async () => {
      const applied = this.connection.setRemoteDescription({ type: "answer", sdp });
      this.#takeEarly();
      await applied;
    });
  }

  candidate({ candidate, sdpMid, sdpMLineIndex, usernameFragment }: ServerMessageOf<"ICE_CANDIDATE">): void {
    const init = {
      candidate,
      sdpMid: sdpMid ?? null,
      sdpMLineIndex: sdpMLineIndex ?? null,
      usernameFragment: usernameFragment ?? null,
    };
    if (this.#early !== null) this.#early.push(init);
    else this.#add(init);
  }

  /** Sends another track of its kind from now on; needs no new negotiation. */
  async replace(track: MediaStreamTrack): Promise<void> {
    const { kind } = track;
    const transceiver = this.connection
      .getTransceivers()
      .find(({ receiver }) => receiver.track.kind === kind);
    await transceiver?.sender.replaceTrack(track);
  }

  close(): void {
    this.#closed = true;
    this.connection.close();
  }

  async #fill(transceiver: RTCRtpTransceiver, media: LocalMedia): Promise<void> {
    const { kind } = transceiver.receiver.track;
    transceiver.direction = "sendrecv";
    if (kind === "video") preferH264(transceiver);
    await transceiver.sender.replaceTrack(media[kind as "audio" | "video"]);
  }

  async #attempt(steps: () => Promise<void>): Promise<void> {
    try {
      await steps();
    } catch (error) {
      if (!this.#closed) this.listener.failed(error instanceof Error ? error.message : String(error));
    }
  }

  #localSdp(): string {
    return this.connection.localDescription?.sdp ?? "";
  }

  #send(message: ClientMessage): void {
    if (!this.#closed) this.listener.send(message);
  }

  #sendCandidates(): void {
    const candidates = this.#unsent ?? [];
    this.#unsent = null;
    for (const candidate of candidates) this.#sendCandidate(candidate);
  }

  #sendCandidate({ candidate, sdpMid, sdpMLineIndex, usernameFragment }: RTCIceCandidate): void {
    this.#send({
      type: "ICE_CANDIDATE",
      to: this.peer,
      candidate,
      ...(sdpMid === null ? {} : { sdpMid }),
      ...(sdpMLineIndex === null ? {} : { sdpMLineIndex }),
      ...(usernameFragment === null ? {} : { usernameFragment }),
      callId: this.callId,
    });
  }

  #takeEarly(): void {
    const candidates = this.#early ?? [];
    this.#early = null;
    for (const candidate of candidates) this.#add(candidate);
  }

  #add(candidate: RTCIceCandidateInit): void {
    // One candidate that the browser cannot use does not end a call.
    this.connection.addIceCandidate(candidate).catch(() => {});
  }
}
