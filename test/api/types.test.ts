import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const compiler = fileURLToPath(new URL("../../../node_modules/.bin/tsc", import.meta.url));
const project = fileURLToPath(new URL("../../../test/types/tsconfig.json", import.meta.url));

describe("the package's types", function () {
  this.timeout(120_000);

  it("stand where TypeScript's declarations of the browser's API are wanted, but for what test/types/lib_dom.ts names", () => {
    const { stdout, status } = spawnSync(process.execPath, [compiler, "-p", project], { encoding: "utf8" });
    assert.equal(stdout, "");
    assert.equal(status, 0);
  });
});
