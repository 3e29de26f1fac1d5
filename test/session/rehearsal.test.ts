import assert from "node:assert/strict";
import { rehearseReceiving, rehearseSending } from "../../src/media/session/rehearsal.js";

describe("the rehearsal of a call", () => {
  it("goes through a whole call: packets leave, access units come out", () => {
    assert.ok(rehearseSending() > 500);
    assert.equal(rehearseReceiving(), 120);
    assert.equal(rehearseReceiving(), 120);
  });
});
