import { readFile, stat } from "node:fs/promises";
import { ServerError, systemCode } from "./errors.js";
import type { Logger } from "./logger.js";

/**
 * Users of the TURN server: a line each, `NAME:PASSWORD`; empty lines and those that begin with # are skipped. The protocol
 * needs the password itself or a hash that is as good, so the file must be the server's alone.
 */
export async function readTurnUsers(path: string, logger: Logger): Promise<ReadonlyMap<string, string>> {
  const text = await readText(path);
  const users = new Map<string, string>();
  text.split(/\r?\n/).forEach((line, index) => {
    if (line.trim() === "" || line.startsWith("#")) return;
    const colon = line.indexOf(":");
    if (colon < 1 || colon === line.length - 1)
      throw new ServerError("TURN_USERS_UNREADABLE", `${path}:${index + 1}: expected NAME:PASSWORD`);
    users.set(line.slice(0, colon), line.slice(colon + 1));
  });
  const { mode } = await stat(path);
  if ((mode & 0o077) !== 0)
    logger.warn(
      { file: path, mode: (mode & 0o777).toString(8) },
      "others can read the passwords; chmod 600 it",
    );
  return users;
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    const text = `cannot read the TURN users in ${path}: ${systemCode(error)}`;
    throw new ServerError("TURN_USERS_UNREADABLE", text, { cause: error });
  }
}
