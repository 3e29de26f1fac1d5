import assert from "node:assert/strict";
import { FirstStreamSink } from "../../src/media/sinks/first_stream_sink.js";

class Notes {
  readonly kept: string[] = [];
  closed = 0;
  isFull = false;

  write(note: string): void {
    if (this.isFull) throw new Error("full");
    this.kept.push(note);
  }

  close(): void {
    this.closed++;
    if (this.isFull) throw new Error("cannot be closed either");
  }
}

describe("FirstStreamSink", () => {
  const failures: unknown[] = [];
  const notes = new Notes();
  const sink = new FirstStreamSink<Notes>((error) => failures.push(error));

  const write = (streamId: number, note: string): void => {
    try {
      sink.of(streamId)?.write(note);
    } catch (error) {
      sink.fail(error);
    }
  };

  it("keeps the first stream alone, and another one once that is gone", () => {
    write(7, "before there is a sink");
    sink.open(() => notes);
    write(2, "first");
    write(1, "second stream");
    sink.forget(1);
    write(2, "first again");
    sink.forget(2);
    write(1, "its heir");
    assert.deepEqual(notes.kept, ["first", "first again", "its heir"]);
  });

  it("closes and drops what cannot be written, and says once what came first", () => {
    notes.isFull = true;
    write(1, "too much");
    write(1, "not tried");
    assert.equal(notes.closed, 1);
    assert.deepEqual(failures.map(String), ["Error: full"]);
    sink.close();
    assert.equal(notes.closed, 1);
  });

  it("goes on without a sink that cannot be opened", () => {
    sink.open(() => {
      throw new Error("no such folder");
    });
    assert.deepEqual(failures.map(String), ["Error: full", "Error: no such folder"]);
    assert.equal(sink.of(1), undefined);
  });
});
