import assert from "node:assert/strict";
import { Worker } from "node:worker_threads";
import { native } from "../../native/addon.js";
import { Doorbell } from "../../src/media/ring/doorbell.js";
import { RingLayout } from "../../src/media/ring/layout.js";
import {
  MAX_LANE_BYTES,
  MainLane,
  MessageLane,
  type MessageLaneBuffers,
  WorkerLane,
} from "../../src/media/ring/message_lane.js";
import { MessageRing } from "../../src/media/ring/message_ring.js";
import { seededRandom } from "../../src/protocol/primitives/random.js";

describe("MessageRing", () => {
  const RING_BYTES = 1024;

  function ends(): [MessageRing, MessageRing] {
    const buffer = MessageRing.allocate(RING_BYTES);
    return [new MessageRing(buffer), new MessageRing(buffer)];
  }

  it("hands records of any length on in order, over its end many times", () => {
    const [producer, consumer] = ends();
    const random = seededRandom(7);
    const sent: { length: number; value: number }[] = [];
    let taken = 0;
    for (let value = 0; value < 5000; value++) {
      const bytes = new Uint8Array(random.uint32() % 400).fill(value & 255);
      while (!producer.write(1, 2, 3, value, bytes, bytes.length)) takeOne();
      sent.push({ length: bytes.length, value });
      if (random.uint32() % 3 === 0) takeOne();
    }
    while (taken < sent.length) takeOne();
    assert.equal(consumer.take(), false);

    function takeOne(): void {
      if (!consumer.take()) return;
      const { length, value } = sent[taken++];
      assert.deepEqual(
        [consumer.transportId, consumer.channel, consumer.kind, consumer.value],
        [1, 2, 3, value],
      );
      assert.deepEqual(consumer.data, new Uint8Array(length).fill(value & 255));
    }
  });

  it("refuses what has no room, and takes it when there is some", () => {
    const [producer, consumer] = ends();
    const bytes = new Uint8Array(200);
    let written = 0;
    while (producer.write(0, 0, 0, written, bytes, bytes.length)) written++;
    assert.equal(written, 4);
    assert.ok(consumer.take());
    assert.ok(producer.write(0, 0, 0, written, bytes, bytes.length));
    assert.equal(producer.write(0, 0, 0, 0, bytes, bytes.length), false);
    for (let value = 1; value <= written; value++) {
      assert.ok(consumer.take());
      assert.equal(consumer.value, value);
    }
  });

  it("goes on where its counters begin anew", () => {
    const buffer = MessageRing.allocate(RING_BYTES);
    const words = new Int32Array(buffer);
    const nearTheEnd = -128;
    // As after four thousand million words.
    words[RingLayout.head] = nearTheEnd;
    words[RingLayout.tail] = nearTheEnd;
    const [producer, consumer] = [new MessageRing(buffer), new MessageRing(buffer)];
    for (let value = 0; value < 100; value++) {
      assert.ok(producer.write(0, 0, 0, value, new Uint8Array(40), 40));
      assert.ok(consumer.take());
      assert.equal(consumer.value, value);
    }
  });
});

describe("the lane between the main thread and a worker", () => {
  let buffers: MessageLaneBuffers;
  let doorbell: Doorbell;
  let main: MainLane;
  let worker: WorkerLane;
  let came: number[];
  let arrived: () => void;

  beforeEach(() => {
    buffers = MessageLane.allocate();
    doorbell = Doorbell.allocate();
    came = [];
    arrived = () => undefined;
    main = new MainLane(buffers, doorbell, ({ channel }) => {
      came.push(channel);
      arrived();
    });
    worker = new WorkerLane(buffers);
  });
  afterEach(() => main.close());

  const word = new Uint8Array([1]);
  const arrival = () =>
    new Promise<void>((resolve) => {
      arrived = resolve;
    });

  it("wakes the main thread once for what was written in one step", async () => {
    const first = arrival();
    worker.message(1, 0, true, word, 1);
    worker.message(1, 2, true, word, 1);
    worker.flush();
    await first;
    assert.deepEqual(came, [0, 2]);
  });

  it("rings the worker for what the main thread sends", () => {
    const before = doorbell.sequence();
    assert.ok(main.send(1, 4, false, new Uint8Array([104, 105]).buffer));
    assert.equal(doorbell.sequence(), before + 1);
    const message = worker.take();
    assert.deepEqual([message?.channel, message?.kind, message?.data], [4, 0, new Uint8Array([104, 105])]);
    assert.equal(worker.take(), undefined);
  });

  it("is closed while something that was posted before has not been taken", () => {
    main.notePosted();
    assert.equal(main.send(1, 0, true, new ArrayBuffer(1)), false);
    worker.noteTaken();
    assert.ok(main.send(1, 0, true, new ArrayBuffer(1)));
    worker.notePosted();
    assert.equal(worker.message(1, 0, true, word, 1), false);
    assert.equal(worker.sent(1, 0, 64), false);
    main.noteTaken();
    assert.ok(worker.message(1, 0, true, word, 1));
  });

  it("leaves large messages to the port", () => {
    assert.ok(main.send(1, 0, true, new ArrayBuffer(MAX_LANE_BYTES)));
    assert.equal(main.send(1, 0, true, new ArrayBuffer(MAX_LANE_BYTES + 1)), false);
  });

  it("is empty and open for the worker's successor", () => {
    main.notePosted();
    worker.notePosted();
    main.reset();
    const successor = new WorkerLane(buffers);
    assert.ok(main.send(1, 0, true, new ArrayBuffer(1)));
    assert.ok(successor.message(1, 0, true, word, 1));
  });
});

describe("Waker", () => {
  it("has its callback called from another thread, and never after it was closed", async () => {
    let calls = 0;
    let settle: () => void = () => undefined;
    const called = new Promise<void>((resolve) => {
      settle = resolve;
    });
    const waker = new native.Waker(() => {
      calls++;
      settle();
    });
    await Promise.all([called, wakeFromWorker(waker.id)]);
    assert.equal(calls, 1);
    waker.close();
    waker.close();
    await wakeFromWorker(waker.id);
    assert.equal(calls, 1);
  });

  function wakeFromWorker(id: number): Promise<void> {
    const addon = new URL("../../native/addon.js", import.meta.url).href;
    const code = `import(${JSON.stringify(addon)}).then(({ native }) => native.wake(${id}));`;
    const thread = new Worker(code, { eval: true });
    return new Promise((resolve, reject) => {
      thread.once("error", reject);
      thread.once("exit", () => resolve());
    });
  }
});
