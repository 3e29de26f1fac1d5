import assert from "node:assert/strict";
import { TrainRate } from "../../../src/protocol/bwe/train_rate.js";

const PACKET_BYTES = 1000;

describe("TrainRate", () => {
  let trains: TrainRate;
  let sentUs: number;

  beforeEach(() => {
    trains = new TrainRate();
    sentUs = 0;
  });

  /** `count` packets, one every `apartUs`, through a path that takes at least `leastUs` for each; the packet `lost` gets lost. */
  function send(train: number, count: number, apartUs: number, leastUs = 0, lost = -1): void {
    let freeUs = 0;
    for (let i = 0; i < count; i++) {
      const arrivedUs = Math.max(sentUs + 20_000, freeUs);
      freeUs = arrivedUs + leastUs;
      if (i === lost) trains.handleLoss(train);
      else trains.handlePacket(train, sentUs, arrivedUs, PACKET_BYTES);
      sentUs += apartUs;
    }
    sentUs += 30_000;
  }

  const close = (bps: number) => Math.abs(trains.rateBps - bps) < 0.02 * bps;

  it("is the rate of sending where the path lets the train through as it is", () => {
    send(1, 6, 2000);
    assert.equal(trains.rateBps, 0, "it may have more packets");
    send(2, 6, 4000);
    assert.ok(close(4e6), `${trains.rateBps}`);
    assert.equal(trains.atUs, 10_000);
    send(3, 1, 0);
    assert.ok(close(2e6), `${trains.rateBps}`);
  });

  it("is the path's rate where the train comes slower than it was sent", () => {
    send(1, 8, 2000, 5000);
    send(2, 1, 0);
    assert.ok(close(1.6e6), `${trains.rateBps}`);
  });

  it("is no more than the rate of sending where the path gathers packets", () => {
    for (let i = 0; i < 6; i++) trains.handlePacket(1, i * 2000, 50_000, PACKET_BYTES);
    send(2, 1, 0);
    assert.ok(close(4e6), `${trains.rateBps}`);
  });

  it("counts packets that leave together as one moment", () => {
    for (let i = 0; i < 9; i++) {
      const us = 5000 * Math.floor(i / 3);
      trains.handlePacket(1, us, us + 20_000, PACKET_BYTES);
    }
    send(2, 1, 0);
    assert.ok(close(4.8e6), `${trains.rateBps}`);
  });

  it("says nothing by packets of none, by few, by those that leave at once, nor where one is lost", () => {
    send(0, 20, 1000);
    send(1, 3, 5000);
    send(2, 10, 100);
    send(3, 10, 1000, 0, 9);
    send(4, 10, 1000, 0, 3);
    send(5, 10, 1000, 0, 0);
    send(6, 1, 0);
    assert.equal(trains.rateBps, 0);
  });
});
