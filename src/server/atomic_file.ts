import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

let sequence = 0;

/**
 * Replaces `path` whole or not at all: a temporary file beside it (mode 0600) is written, synced and renamed over it,
 * and the folder is synced. A crash leaves the old or the new file, never a part.
 */
export async function writeFileAtomically(path: string, content: string): Promise<void> {
  const temporary = `${path}.${process.pid}.${sequence++}.tmp`;
  try {
    const file = await open(temporary, "wx", 0o600);
    try {
      await file.writeFile(content, "utf8");
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  const folder = await open(dirname(path), "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
