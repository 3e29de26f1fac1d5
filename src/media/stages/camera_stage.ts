import type { OrderOf } from "../engine_messages.js";
import { WorkerCounter, WorkerHistogram } from "../metrics_rows.js";
import { ControlWord } from "../ring/control_block.js";
import { SlotProducer } from "../ring/slot_channel.js";
import type { Stage, WorkerHost } from "../ring/worker_loop.js";
import { holdsDevice, type VideoSourceSpec } from "../source_spec.js";
import { openVideoSource } from "../sources/open_video_source.js";
import type { VideoSource } from "../sources/video_source.js";
import { asError } from "./problem.js";

/** A late frame is made up for; later than this many frames the schedule starts anew. */
const MAX_CATCH_UP_FRAMES = 2;

/**
 * Captures pictures into the raw channel, at the source's own rate. While nobody wants video it sleeps, and a device
 * stays closed. With no free slot (the encoder is behind) a picture is dropped before it is made.
 */
export class CameraStage implements Stage<"camera"> {
  readonly #host: WorkerHost<"camera">;
  readonly #producer: SlotProducer;
  readonly #openSource: typeof openVideoSource;
  #spec: VideoSourceSpec;
  #source: VideoSource | undefined;
  #frameNumber = 0;
  #nextUs = 0;
  #active = false;
  #broken = false;
  #toldFor: VideoSourceSpec | undefined;

  /** @param open opens sources; the tests' are made up. */
  constructor(host: WorkerHost<"camera">, open: typeof openVideoSource = openVideoSource) {
    this.#host = host;
    this.#openSource = open;
    this.#producer = new SlotProducer(host.wiring.rawVideo, host.doorbells.encoder);
    this.#spec = host.wiring.source;
    this.#open();
    if (holdsDevice(this.#spec)) this.#release();
  }

  order(order: Exclude<OrderOf<"camera">, { type: "stop" }>): void {
    this.#release();
    this.#spec = order.source;
    this.#broken = false;
    this.#tryOpen();
  }

  step(nowUs: number): number {
    const wanted = this.#host.control.get(ControlWord.videoConsumers) > 0;
    if (!wanted || this.#broken || this.#spec.kind === "none") {
      if (this.#active) this.#sleep();
      return Number.POSITIVE_INFINITY;
    }
    if (this.#source === undefined && !this.#tryOpen()) return Number.POSITIVE_INFINITY;
    const source = this.#source as VideoSource;
    if (!this.#active) this.#wake(nowUs);
    if (source.paced && nowUs < this.#nextUs) return this.#nextUs;
    const captured = this.#captureFrame(source, nowUs);
    if (source.paced) return this.#schedule(source, nowUs);
    // With nothing to wait for, the thread would spin until the encoder is done.
    return captured || source.discard !== undefined ? nowUs : nowUs + 5e5 / source.frameRate;
  }

  close(): void {
    this.#release();
  }

  /** False: there was no slot for the picture. */
  #captureFrame(source: VideoSource, nowUs: number): boolean {
    const slot = this.#producer.acquire();
    try {
      if (slot >= 0) this.#fill(source, slot, nowUs);
      else this.#drop(source);
    } catch (error) {
      if (slot >= 0) this.#producer.abandon(slot);
      this.#fail(error);
    }
    return slot >= 0;
  }

  #drop(source: VideoSource): void {
    this.#host.row.add(WorkerCounter.droppedFull);
    this.#frameNumber++;
    if (!source.paced) source.discard?.();
  }

  #fill(source: VideoSource, slot: number, nowUs: number): void {
    const { row, control } = this.#host;
    const descriptor = this.#producer.descriptor;
    const target = this.#producer.bytes(slot);
    const captureTimeUs = source.capture(target, descriptor, this.#frameNumber, nowUs);
    if (captureTimeUs === 0) {
      this.#producer.abandon(slot);
      return;
    }
    if (control.get(ControlWord.videoMuted) !== 0) paintBlack(target, descriptor);
    descriptor.frameNumber = this.#frameNumber++;
    descriptor.captureTimeUs = captureTimeUs;
    descriptor.captureWallUs = captureTimeUs + control.wallOffsetUs;
    this.#producer.publish(slot);
    row.add(WorkerCounter.frames);
    row.record(WorkerHistogram.work, descriptor.enqueuedUs - captureTimeUs);
  }

  /** Absolute times: rounding never adds up to drift. */
  #schedule(source: VideoSource, nowUs: number): number {
    const periodUs = 1e6 / source.frameRate;
    this.#nextUs += periodUs;
    if (nowUs - this.#nextUs > MAX_CATCH_UP_FRAMES * periodUs) this.#nextUs = nowUs + periodUs;
    return this.#nextUs;
  }

  #wake(nowUs: number): void {
    this.#active = true;
    this.#nextUs = nowUs;
  }

  #sleep(): void {
    this.#active = false;
    if (holdsDevice(this.#spec)) this.#release();
  }

  #open(): void {
    this.#source = this.#openSource(this.#spec, undefined, this.#host.wiring.largest);
    const { row, control } = this.#host;
    if (this.#source === undefined) return;
    row.set(WorkerCounter.width, this.#source.width);
    row.set(WorkerCounter.height, this.#source.height);
    row.set(WorkerCounter.frameRate, this.#source.frameRate);
    control.set(ControlWord.frameRate, Math.max(1, Math.round(this.#source.frameRate)));
    if (this.#source.pictureBytes > this.#producer.slotBytes) {
      const { width, height } = this.#source;
      this.#release();
      throw new Error(`video source: ${width}x${height} is larger than the engine's largest picture`);
    }
  }

  /** Once for a source, however often it is opened; not while the engine starts, when nobody can listen yet. */
  #tell(notices: readonly string[]): void {
    if (this.#toldFor === this.#spec) return;
    this.#toldFor = this.#spec;
    for (const message of notices) this.#host.post({ type: "notice", name: "camera", message });
  }

  #tryOpen(): boolean {
    try {
      this.#open();
      this.#tell(this.#source?.notices ?? []);
      return this.#source !== undefined;
    } catch (error) {
      this.#fail(error);
      return false;
    }
  }

  /** The engine goes on without pictures; another source may be set. */
  #fail(error: unknown): void {
    this.#broken = true;
    this.#release();
    this.#host.row.add(WorkerCounter.errors);
    const { code, message } = asError(error, "SOURCE_FAILED");
    this.#host.post({ type: "problem", name: "camera", code, message });
  }

  #release(): void {
    this.#source?.close();
    this.#source = undefined;
    this.#active = false;
  }
}

function paintBlack(
  picture: Uint8Array,
  layout: { readonly offsetY: number; readonly offsetU: number; readonly byteLength: number },
): void {
  picture.fill(16, layout.offsetY, layout.offsetU);
  picture.fill(128, layout.offsetU, layout.byteLength);
}
