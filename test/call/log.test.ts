import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openLog } from "../../src/cli/log.js";

describe("the log file", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "roomrtc-log-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const entries = (name: string) =>
    readFileSync(join(folder, name), "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { n: number });

  /** Resolves when the entry stands in a file. */
  async function written(n: number): Promise<void> {
    const isIn = (name: string) => {
      try {
        return readFileSync(join(folder, name), "utf8").includes(`"n":${n},`);
      } catch {
        return false; // It was renamed just now.
      }
    };
    while (!readdirSync(folder).some(isIn)) await new Promise((done) => setImmediate(done));
  }

  it("rotates by size, keeps as many old files as asked for, and loses no entry of those it keeps", async () => {
    const file = join(folder, "room.log");
    const log = await openLog({ file, level: "info", maxBytes: 10_000, files: 2 }, "test");
    for (let n = 0; n < 600; n++) {
      log.logger.info({ n }, "x".repeat(20));
      // The rotation opens files: let it, now and then, as a program between two entries does.
      if (n % 20 === 0) await written(n);
    }
    await log.close();
    const names = readdirSync(folder).filter((name) => name.endsWith("room.log"));
    assert.equal(names.length, 3, readdirSync(folder).join());
    for (const name of names) assert.ok(statSync(join(folder, name)).size < 20_000, name);
    const kept = names.flatMap((name) => entries(name).map(({ n }) => n)).sort((a, b) => a - b);
    assert.equal(kept.at(-1), 599);
    assert.deepEqual(
      kept,
      kept.map((_, index) => kept[0] + index),
    );
  });

  it("leaves out what is below its level", async () => {
    const file = join(folder, "room.log");
    const log = await openLog({ file, level: "warn", maxBytes: 10_000, files: 2 }, "test");
    log.logger.info({ n: 1 }, "not this");
    log.logger.warn({ n: 2 }, "this");
    await log.close();
    assert.deepEqual(
      entries("room.log").map(({ n }) => n),
      [2],
    );
  });

  it("that cannot be opened is an error that names it", async () => {
    writeFileSync(join(folder, "file"), "");
    const options = { file: join(folder, "file/room.log"), level: "info", maxBytes: 10_000, files: 2 };
    await assert.rejects(openLog(options, "test"), {
      code: "LOG_UNWRITABLE",
      message: /log file .*\/file\/room\.log: /,
    });
  });
});
