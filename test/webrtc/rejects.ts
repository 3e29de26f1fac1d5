import assert from "node:assert/strict";

/** Asserts a DOMException (or TypeError, RangeError) by name. */
export async function rejectsWith(action: Promise<unknown> | (() => unknown), name: string): Promise<void> {
  const run = async () => (typeof action === "function" ? action() : action);
  await assert.rejects(run, (error: unknown) => {
    assert.ok(error instanceof Error, String(error));
    assert.equal(error.name, name, error.message);
    return true;
  });
}
