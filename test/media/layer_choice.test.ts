import assert from "node:assert/strict";
import { LayerChoice } from "../../src/media/layers/layer_choice.js";

const [low, middle, high] = [1, 2, 3];
const pixels = (layer: number) => 1000 * 4 ** layer;

describe("which layer is shown", () => {
  let choice: LayerChoice;
  let nowUs: number;
  beforeEach(() => {
    choice = new LayerChoice();
    nowUs = 1e9;
  });

  /** One picture of each of these layers, captured at the same time; the layers of those that are shown. */
  function picture(...layers: number[]): number[] {
    nowUs += 33_000;
    return layers.filter((layer) => choice.shows(layer, pixels(layer), nowUs, nowUs));
  }

  it("is the largest that has come, from its first picture on", () => {
    assert.deepEqual(picture(low), [low]);
    assert.deepEqual(picture(low, high), [low, high]);
    assert.deepEqual(picture(low, middle, high), [high]);
    assert.equal(choice.countersOf(high)?.switches, 1);
    assert.equal(choice.countersOf(high)?.shown, 2);
    assert.equal(choice.countersOf(low)?.switches, 0);
  });

  it("is the next one half a second after the largest has stopped, and never one before it", () => {
    picture(low, middle, high);
    const shown: number[] = [];
    for (let i = 0; i < 20; i++) shown.push(...picture(low, middle));
    assert.ok(shown.length > 0 && shown.length < 10, `${shown.length} of 20`);
    assert.deepEqual([...new Set(shown)], [middle], "the lowest never flashed up");
  });

  it("does not step back to what was captured before the picture that is shown", () => {
    assert.ok(choice.shows(low, pixels(low), 5000, nowUs));
    assert.ok(!choice.shows(high, pixels(high), 4000, nowUs));
    assert.ok(choice.shows(low, pixels(low), 6000, nowUs));
    assert.ok(choice.shows(high, pixels(high), 7000, nowUs));
  });

  it("stays with one of two of a size", () => {
    assert.ok(choice.shows(1, 100, 0, nowUs));
    assert.ok(!choice.shows(2, 100, 0, nowUs));
    assert.ok(choice.shows(1, 100, 0, nowUs));
  });

  it("takes the next picture when the shown layer is gone", () => {
    picture(high);
    choice.forget(high);
    assert.deepEqual(picture(low), [low]);
  });
});
