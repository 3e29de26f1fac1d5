import assert from "node:assert/strict";
import { WORKER_NAMES, type WorkerEvent, type WorkerName } from "../../src/media/engine_messages.js";
import { METRICS_ROWS, WorkerCounter, workerRow } from "../../src/media/metrics_rows.js";
import { ControlBlock, ControlWord } from "../../src/media/ring/control_block.js";
import type { Descriptor } from "../../src/media/ring/descriptor.js";
import { Doorbell } from "../../src/media/ring/doorbell.js";
import { MetricsTable } from "../../src/media/ring/metrics.js";
import { SlotChannel } from "../../src/media/ring/slot_channel.js";
import type { WorkerHost } from "../../src/media/ring/worker_loop.js";
import type { VideoSourceSpec } from "../../src/media/source_spec.js";
import type { VideoSource } from "../../src/media/sources/video_source.js";
import { CameraStage } from "../../src/media/stages/camera_stage.js";

const SLOTS = 4;
const DEVICE: VideoSourceSpec = {
  kind: "v4l2",
  device: "/dev/made-up",
  width: 16,
  height: 16,
  frameRate: 50,
};

/** A camera that always has a picture. */
class EagerCamera implements VideoSource {
  readonly width = 16;
  readonly height = 16;
  readonly frameRate = 50;
  readonly paced = false;
  readonly pictureBytes = 384;
  readonly notices = ["gives 16x16"];
  captured = 0;
  closed = 0;

  capture(_target: Uint8Array, descriptor: Descriptor, _frameNumber: number, nowUs: number): number {
    this.captured++;
    descriptor.setI420(16, 16);
    return nowUs;
  }

  close(): void {
    this.closed++;
  }
}

/** One whose pictures wait for it. */
class QueueingCamera extends EagerCamera {
  discarded = 0;

  discard(): void {
    this.discarded++;
  }
}

function stageWith(source: VideoSource) {
  const metrics = MetricsTable.allocate(METRICS_ROWS);
  const control = ControlBlock.allocate();
  const bells = WORKER_NAMES.map((name) => [name, Doorbell.allocate()] as const);
  const events: WorkerEvent[] = [];
  const host: WorkerHost<"camera"> = {
    name: "camera",
    wiring: {
      rawVideo: SlotChannel.allocate({ name: "rawVideo", slots: SLOTS, slotBytes: 384 }),
      source: DEVICE,
    } as WorkerHost<"camera">["wiring"],
    control,
    metrics,
    row: metrics.row(workerRow("camera")),
    doorbells: Object.fromEntries(bells) as Record<WorkerName, Doorbell>,
    post: (event) => events.push(event),
  };
  const stage = new CameraStage(host, () => source);
  const dropped = () => host.row.get(WorkerCounter.droppedFull);
  return { stage, control, events, dropped };
}

describe("CameraStage", () => {
  it("opens a device at once to see that it can, and closes it until somebody watches", () => {
    const camera = new EagerCamera();
    const { stage, control, events } = stageWith(camera);
    assert.equal(camera.closed, 1);
    assert.deepEqual(events, [], "nobody listens while the engine starts");
    assert.equal(stage.step(1e6), Number.POSITIVE_INFINITY);
    control.set(ControlWord.videoConsumers, 1);
    stage.step(1e6);
    assert.equal(camera.captured, 1);
    control.set(ControlWord.videoConsumers, 0);
    assert.equal(stage.step(2e6), Number.POSITIVE_INFINITY);
    assert.equal(camera.closed, 2);
    assert.deepEqual(events, [{ type: "notice", name: "camera", message: "gives 16x16" }]);
    stage.close();
  });

  it("waits half a picture's time, and does not spin, while the encoder holds every slot", () => {
    const camera = new EagerCamera();
    const { stage, control, dropped } = stageWith(camera);
    control.set(ControlWord.videoConsumers, 1);
    for (let i = 0; i < SLOTS; i++) assert.equal(stage.step(1e6), 1e6);
    assert.equal(stage.step(1e6), 1e6 + 10_000);
    assert.deepEqual([camera.captured, dropped()], [SLOTS, 1]);
    stage.close();
  });

  it("takes and drops the pictures of a camera that would keep them", () => {
    const camera = new QueueingCamera();
    const { stage, control, dropped } = stageWith(camera);
    control.set(ControlWord.videoConsumers, 1);
    for (let i = 0; i < SLOTS + 3; i++) assert.equal(stage.step(1e6), 1e6);
    assert.deepEqual([camera.captured, camera.discarded, dropped()], [SLOTS, 3, 3]);
    stage.close();
  });
});
