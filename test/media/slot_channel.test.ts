import assert from "node:assert/strict";
import { Descriptor } from "../../src/media/ring/descriptor.js";
import { SlotChannel, SlotConsumer, SlotProducer } from "../../src/media/ring/slot_channel.js";

function channel(slots: number) {
  const buffers = SlotChannel.allocate({ name: "test", slots, slotBytes: 100 });
  return { buffers, producer: new SlotProducer(buffers), consumer: new SlotConsumer(buffers) };
}

function send(producer: SlotProducer, frameNumber: number): boolean {
  const slot = producer.acquire();
  if (slot < 0) return false;
  producer.bytes(slot).fill(frameNumber);
  producer.descriptor.frameNumber = frameNumber;
  producer.descriptor.byteLength = 100;
  producer.publish(slot);
  return true;
}

describe("SlotChannel", () => {
  it("hands over bytes and every descriptor field", () => {
    const { producer, consumer } = channel(2);
    const slot = producer.acquire();
    const sent = producer.descriptor;
    sent.setI420(5, 3);
    Object.assign(sent, {
      flags: 1,
      streamId: 0xffff_ffff,
      frameNumber: 7,
      rtpTimestamp: 0x8000_0000,
      tag: 9,
    });
    Object.assign(sent, { captureTimeUs: 1.5, arrivalUs: 2.5, completeUs: 3.5, playoutUs: 4.5 });
    Object.assign(sent, { captureWallUs: 1.7e15 + 0.25, durationUs: 20_000, codec: 1 });
    producer.bytes(slot).set([1, 2, 3]);
    producer.publish(slot);
    assert.ok(consumer.take());
    assert.deepEqual({ ...consumer.descriptor }, { ...sent });
    assert.ok(consumer.descriptor.keyframe);
    assert.deepEqual([...consumer.bytes(consumer.slot).subarray(0, 3)], [1, 2, 3]);
    // Odd sizes: chroma rounds up (5x3: 15 + 2 * 3*2).
    assert.equal(consumer.descriptor.byteLength, 27);
  });

  it("runs out of slots instead of overwriting, and goes on after a release", () => {
    const { producer, consumer } = channel(2);
    assert.ok(send(producer, 1));
    assert.ok(send(producer, 2));
    assert.ok(!send(producer, 3));
    assert.equal(producer.starved, 1);
    assert.ok(consumer.take());
    assert.ok(!send(producer, 3), "a taken slot is not free yet");
    consumer.release(consumer.slot);
    assert.ok(send(producer, 3));
  });

  it("takeNewest skips and frees the older ones", () => {
    const { producer, consumer } = channel(4);
    for (let i = 1; i <= 4; i++) send(producer, i);
    assert.ok(consumer.takeNewest());
    assert.equal(consumer.descriptor.frameNumber, 4);
    assert.equal(consumer.skipped, 3);
    for (let i = 5; i <= 7; i++) assert.ok(send(producer, i));
    assert.ok(!send(producer, 8), "the taken slot is still out");
  });

  it("tells a stale generation", () => {
    const { producer, consumer } = channel(1);
    send(producer, 1);
    consumer.take();
    const kept = new Descriptor();
    kept.copyFrom(consumer.descriptor);
    assert.ok(consumer.isCurrent(kept.slot, kept.generation));
    consumer.release(kept.slot);
    send(producer, 2);
    assert.ok(!consumer.isCurrent(kept.slot, kept.generation));
  });

  it("gives a successor the slots that a dead consumer held", () => {
    const { buffers, producer, consumer } = channel(2);
    send(producer, 1);
    send(producer, 2);
    consumer.take();
    consumer.take();
    assert.ok(!send(producer, 3));
    new SlotConsumer(buffers);
    assert.ok(send(producer, 3));
    assert.ok(send(producer, 4));
  });

  it("gives a successor the slots that a dead producer held", () => {
    const { buffers, producer, consumer } = channel(2);
    producer.acquire();
    producer.acquire();
    const successor = new SlotProducer(buffers);
    assert.ok(send(successor, 1));
    assert.ok(send(successor, 2));
    assert.ok(consumer.take());
    assert.equal(consumer.descriptor.frameNumber, 1);
  });

  it("abandon makes the slot usable again", () => {
    const { producer } = channel(1);
    const slot = producer.acquire();
    producer.abandon(slot);
    assert.ok(send(producer, 1));
  });
});
