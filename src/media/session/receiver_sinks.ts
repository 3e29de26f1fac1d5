import { native } from "../../../native/addon.js";
import type { AccessUnitInfo } from "../../protocol/jitter/video_jitter_buffer.js";
import { copyBytes } from "../../protocol/primitives/bytes.js";
import type { RtpHeader } from "../../protocol/rtp/rtp_header.js";
import { DescriptorFlag } from "../ring/layout.js";
import type { SlotProducer } from "../ring/slot_channel.js";
import type { Arrival, ArrivalLogWriter } from "./arrival_log.js";
import type { MediaSinks } from "./media_receiver.js";
import type { ReceiveStream } from "./receive_stream.js";

/** The receiver's channels, which all transports share. */
export interface ReceiverChannels {
  readonly accessUnits: SlotProducer;
  readonly audioPackets: SlotProducer;
  readonly log: ArrivalLogWriter;
}

/** The slot for the next access unit, kept until it is filled; one for all transports, since they take turns. */
export class VideoRoom {
  slot = -1;
  readonly #producer: SlotProducer;

  constructor(producer: SlotProducer) {
    this.#producer = producer;
  }

  bytes(): Uint8Array | undefined {
    if (this.slot < 0) this.slot = this.#producer.acquire();
    return this.slot < 0 ? undefined : this.#producer.bytes(this.slot);
  }
}

/** One transport's way to the decoder, the speaker and the rtcp thread. */
export class ReceiverSinks implements MediaSinks {
  readonly #transportId: number;
  readonly #channels: ReceiverChannels;
  readonly #room: VideoRoom;
  readonly #onTone: (mid: string, event: number) => void;
  #unitNumber = 0;

  constructor(
    transportId: number,
    channels: ReceiverChannels,
    room: VideoRoom,
    onTone: (mid: string, event: number) => void,
  ) {
    this.#onTone = onTone;
    this.#transportId = transportId;
    this.#channels = channels;
    this.#room = room;
  }

  videoRoom(): Uint8Array | undefined {
    return this.#room.bytes();
  }

  publishVideo(stream: ReceiveStream, unit: AccessUnitInfo, captureWallUs: number): void {
    const { slot } = this.#room;
    if (slot < 0) return;
    this.#room.slot = -1;
    const { accessUnits } = this.#channels;
    const { descriptor } = accessUnits;
    descriptor.byteLength = unit.length;
    descriptor.flags =
      (unit.keyframe ? DescriptorFlag.keyframe : 0) | (unit.quarterTurns * DescriptorFlag.quarterTurn);
    descriptor.streamId = stream.streamId;
    descriptor.codec = stream.codecOf(unit.payloadType);
    descriptor.frameNumber = this.#unitNumber++;
    descriptor.tag = unit.packets;
    descriptor.rtpTimestamp = unit.rtpTimestamp;
    descriptor.captureWallUs = captureWallUs;
    descriptor.arrivalUs = unit.firstArrivalUs;
    descriptor.completeUs = unit.lastArrivalUs;
    descriptor.playoutUs = unit.playoutUs;
    accessUnits.publish(slot);
  }

  audio(
    stream: ReceiveStream,
    bytes: Uint8Array,
    header: RtpHeader,
    arrivalUs: number,
    captureWallUs: number,
  ): boolean {
    const { audioPackets } = this.#channels;
    if (header.payloadLength > audioPackets.slotBytes) return false;
    const slot = audioPackets.acquire();
    if (slot < 0) return false;
    copyBytes(bytes, header.payloadOffset, audioPackets.bytes(slot), 0, header.payloadLength);
    const { descriptor } = audioPackets;
    descriptor.byteLength = header.payloadLength;
    descriptor.flags = header.marker ? DescriptorFlag.marker : 0;
    descriptor.streamId = stream.streamId;
    descriptor.codec = stream.codecOf(header.payloadType);
    descriptor.tag = header.sequenceNumber;
    descriptor.rtpTimestamp = header.timestamp;
    descriptor.captureWallUs = captureWallUs;
    descriptor.arrivalUs = arrivalUs;
    descriptor.completeUs = native.monotonicUs();
    audioPackets.publish(slot);
    return true;
  }

  tone(mid: string, event: number): void {
    this.#onTone(mid, event);
  }

  arrival(arrival: Arrival, urgent: boolean): void {
    this.#channels.log.add(arrival, urgent);
  }

  rtcp(bytes: Uint8Array, offset: number, length: number, arrivalUs: number): void {
    this.#channels.log.compound(this.#transportId, bytes, offset, length, arrivalUs);
  }
}
