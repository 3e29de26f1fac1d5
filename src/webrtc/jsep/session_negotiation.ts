/** What setLocalDescription and setRemoteDescription do on the operations chain (WebRTC 1.0 §4.4.1.5). */
import { checkAnswer, checkRemoteDescription } from "../../protocol/sdp/check_description.js";
import { transportSectionIndex } from "../../protocol/sdp/negotiated_media.js";
import { parseSdp } from "../../protocol/sdp/parse_sdp.js";
import { SdpError } from "../../protocol/sdp/sdp_error.js";
import { isRejected, type SdpSession, transportAttributesOf } from "../../protocol/sdp/sdp_model.js";
import type { ConnectionCore } from "../connection_core.js";
import { checkEnum, domError } from "../dom_error.js";
import { inTask } from "../internals.js";
import { RTCError } from "../rtc_error.js";
import {
  type RTCLocalSessionDescriptionInit,
  type RTCSdpType,
  type RTCSessionDescriptionInit,
  sdpTypes,
} from "../rtc_session_description.js";
import type { RTCTrackEvent } from "../rtc_track_event.js";
import { applyLocal, applyRemote } from "./apply_description.js";
import { createAnswer, createOffer } from "./create_descriptions.js";
import { AppliedDescription, type CreatedDescription } from "./description_state.js";
import { addLocalCandidate, candidateSection, endLocalCandidates } from "./local_candidates.js";
import { rollback } from "./rollback.js";
import { TrackChanges } from "./track_changes.js";

export interface NegotiationEvents {
  signalingStateChanged(): void;
  track(event: RTCTrackEvent): void;
  transportReplaced(): void;
}

/** Where a local candidate belongs. */
export interface CandidatePlace {
  readonly sdpMid: string | null;
  readonly sdpMLineIndex: number;
}

export class SessionNegotiation {
  constructor(
    private readonly core: ConnectionCore,
    private readonly events: NegotiationEvents,
  ) {}

  async makeOffer(iceRestart: boolean): Promise<CreatedDescription> {
    const certificate = await this.core.certificate();
    if (iceRestart || this.core.restartWanted) this.prepareRestart();
    const offer = createOffer(this.core, certificate);
    this.core.descriptions.lastOffer = offer;
    return offer;
  }

  /** RFC 8829 §5.2.3.1: a restart changes something only where there is something to restart. */
  private prepareRestart(): void {
    const { transport } = this.core;
    if (transport.media === null) return;
    if (!transport.canRestart) throw domError("NotSupportedError", "The media engine cannot restart ICE");
    transport.prepareRestart();
  }

  async makeAnswer(): Promise<CreatedDescription> {
    const certificate = await this.core.certificate();
    const answer = createAnswer(this.core, certificate);
    if (this.core.transport.next !== null && !this.core.transport.canRestart) {
      throw domError("NotSupportedError", "The peer restarts ICE, which the media engine cannot");
    }
    this.core.descriptions.lastAnswer = answer;
    return answer;
  }

  async setLocal(init: RTCLocalSessionDescriptionInit): Promise<void> {
    const { descriptions } = this.core;
    const type = init.type === undefined ? this.implicitType() : checkEnum("RTCSdpType", sdpTypes, init.type);
    if (type === "rollback") return this.rollBack("local");
    this.checkUnmodified(type, init.sdp ?? "");
    descriptions.checkState("local", type);
    const created = await this.createdFor(type, init.sdp ?? "");
    const opening = await this.core.opening(created.credentials);
    await this.inTask((changes) => {
      const role = type === "offer" ? "controlling" : "controlled";
      const starts = transportSectionIndex(created.session) >= 0;
      // Made while another pool was filled.
      if (this.core.transport.isPooled && this.core.transport.local !== created.credentials) {
        this.core.replaceTransport();
      }
      const { transport } = this.core;
      if (starts) transport.open({ ...opening, role });
      const restarts = transport.applyRestart();
      applyLocal(this.core, new AppliedDescription(type, created.session), created, changes);
      if (starts) transport.gather(restarts);
    });
  }

  private implicitType(): RTCSdpType {
    const { signalingState } = this.core.descriptions;
    const offers = ["stable", "have-local-offer", "have-remote-pranswer"];
    return offers.includes(signalingState) ? "offer" : "answer";
  }

  /** WebRTC 1.0 §4.4.2: only what createOffer or createAnswer returned last is accepted. */
  private checkUnmodified(type: RTCSdpType, sdp: string): void {
    if (sdp === "") return;
    const { lastOffer, lastAnswer } = this.core.descriptions;
    const expected = type === "offer" ? lastOffer : lastAnswer;
    if (expected?.sdp === sdp) return;
    const source = type === "offer" ? "createOffer" : "createAnswer";
    throw domError("InvalidModificationError", `The description is not what ${source} returned last`);
  }

  /** The description given, or for an implicit one what the connection would say now. */
  private async createdFor(type: RTCSdpType, sdp: string): Promise<CreatedDescription> {
    const { lastOffer, lastAnswer } = this.core.descriptions;
    if (type === "offer") return (sdp === "" ? null : lastOffer) ?? this.makeOffer(false);
    return (sdp === "" ? null : lastAnswer) ?? this.makeAnswer();
  }

  async setRemote(init: RTCSessionDescriptionInit): Promise<void> {
    const type = checkEnum("RTCSdpType", sdpTypes, init?.type);
    const { descriptions } = this.core;
    if (type === "offer" && descriptions.signalingState === "have-local-offer") {
      const session = this.readRemote(type, init.sdp ?? "");
      await this.rollBack("local");
      return this.setRemoteSession(type, session);
    }
    if (type === "rollback") return this.rollBack("remote");
    descriptions.checkState("remote", type);
    return this.setRemoteSession(type, this.readRemote(type, init.sdp ?? ""));
  }

  private async setRemoteSession(type: RTCSdpType, session: SdpSession): Promise<void> {
    await this.inTask((changes) => applyRemote(this.core, new AppliedDescription(type, session), changes));
  }

  /** Reads and checks; changes nothing. @throws RTCError for bad text, InvalidAccessError for bad content. */
  private readRemote(type: RTCSdpType, sdp: string): SdpSession {
    try {
      const session = parseSdp(sdp);
      checkRemoteDescription(session);
      this.checkFit(type, session);
      return session;
    } catch (error) {
      throw error instanceof SdpError ? toApiError(error) : error;
    }
  }

  private checkFit(type: RTCSdpType, session: SdpSession): void {
    const { currentLocal, local } = this.core.descriptions;
    if (type !== "offer") {
      if (local !== null) checkAnswer(local.session, session);
      return;
    }
    const before = currentLocal?.session.media ?? [];
    if (session.media.length < before.length) {
      throw new SdpError(
        "SDP_MISMATCH",
        `an offer can't drop sections: ${before.length} before, now ${session.media.length}`,
      );
    }
    before.forEach((media, index) => {
      if (isRejected(media) || media.kind === session.media[index].kind) return;
      throw new SdpError(
        "SDP_MISMATCH",
        `section ${index} was ${media.kind} and is now ${session.media[index].kind}`,
      );
    });
  }

  private async rollBack(side: "local" | "remote"): Promise<void> {
    this.core.descriptions.checkState(side, "rollback");
    await this.inTask((changes) => rollback(this.core, changes));
  }

  /** Runs the change as a task, then fires what it brought about, in the W3C's order. */
  private async inTask(change: (changes: TrackChanges) => void): Promise<void> {
    await inTask();
    const { core } = this;
    if (core.isClosed) return;
    const before = core.descriptions.signalingState;
    const { transport } = core;
    const changes = new TrackChanges(core);
    change(changes);
    if (core.descriptions.signalingState === "stable") {
      core.clearNegotiationNeeded();
      core.updateNegotiationNeeded();
    }
    if (core.transport !== transport) this.events.transportReplaced();
    if (before !== core.descriptions.signalingState) this.events.signalingStateChanged();
    changes.announce((event) => core.isClosed || this.events.track(event));
  }

  /** Writes a gathered candidate into the local descriptions of its generation. */
  placeLocalCandidate(candidate: string, usernameFragment: string): CandidatePlace | undefined {
    return this.placeIn(usernameFragment, (applied) => addLocalCandidate(applied, candidate));
  }

  endLocalCandidates(usernameFragment: string): CandidatePlace | undefined {
    return this.placeIn(usernameFragment, endLocalCandidates);
  }

  private placeIn(
    usernameFragment: string,
    write: (applied: AppliedDescription) => void,
  ): CandidatePlace | undefined {
    const { currentLocal, pendingLocal } = this.core.descriptions;
    let place: CandidatePlace | undefined;
    for (const applied of [currentLocal, pendingLocal]) {
      const section = applied === null ? undefined : candidateSection(applied);
      if (applied === null || section === undefined) continue;
      if (transportAttributesOf(applied.session, section.media).iceUfrag !== usernameFragment) continue;
      write(applied);
      place = { sdpMid: section.media.mid ?? null, sdpMLineIndex: section.index };
    }
    return place;
  }
}

/** What the API throws for a description (WebRTC 1.0 §4.4.1.5). */
function toApiError(error: SdpError): DOMException {
  const syntax = ["SDP_SYNTAX", "SDP_LIMIT", "SDP_LINE_BREAK", "SDP_KEY_IN_SIGNALING"].includes(error.code);
  if (!syntax) return domError("InvalidAccessError", `${error.code}: ${error.message}`);
  const line = error.line > 0 ? { sdpLineNumber: error.line } : {};
  return new RTCError({ errorDetail: "sdp-syntax-error", ...line }, `${error.code}: ${error.message}`);
}
