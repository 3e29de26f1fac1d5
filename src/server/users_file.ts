/**
 * The users file: plain text, UTF-8, one user a line, `NAME:HASH` (password.ts says what a hash is); empty lines and
 * lines that start with `#` are skipped. Written whole and atomically, mode 0600.
 */
import { readFile } from "node:fs/promises";
import { isUsername } from "../signaling/messages.js";
import { writeFileAtomically } from "./atomic_file.js";
import { ServerError, systemCode } from "./errors.js";
import {
  DEFAULT_COST,
  formatHash,
  hashPassword,
  type PasswordHash,
  parseHash,
  type ScryptCost,
  verifyPassword,
} from "./password.js";

const HEADER = "# RoomRTC users: NAME:$scrypt$ln=..,r=..,p=..$SALT$HASH, one a line\n";

function parseLine(line: string, damaged: (why: string) => ServerError): [string, PasswordHash] {
  const colon = line.indexOf(":");
  if (colon < 0) throw damaged("expected NAME:HASH");
  const username = line.slice(0, colon);
  if (!isUsername(username)) throw damaged("the name is not a user name");
  const hash = parseHash(line.slice(colon + 1));
  if (hash === undefined) throw damaged("the part after the colon is not a scrypt hash");
  return [username, hash];
}

/** Reads the text of a users file; `path` is for the messages. Throws USERS_FILE_DAMAGED with file and line. */
export function parseUsers(text: string, path: string): Map<string, PasswordHash> {
  const users = new Map<string, PasswordHash>();
  for (const [index, raw] of text.split("\n").entries()) {
    const line = raw.replace(/\r$/, "");
    if (line.trim() === "" || line.startsWith("#")) continue;
    const damaged = (why: string): ServerError =>
      new ServerError("USERS_FILE_DAMAGED", `${path}:${index + 1}: ${why}; mend or remove the line`);
    const [username, hash] = parseLine(line, damaged);
    if (users.has(username)) throw damaged(`${username} is there twice`);
    users.set(username, hash);
  }
  return users;
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (systemCode(error) === "ENOENT") return "";
    throw new ServerError(
      "USERS_FILE_UNREADABLE",
      `cannot read the users file ${path}: ${systemCode(error)}`,
      {
        cause: error,
      },
    );
  }
}

/** The registered users: in memory for reading, on disk before a registration counts. */
export class UsersFile {
  #writing: Promise<void> = Promise.resolve();
  #decoy: Promise<PasswordHash> | undefined;

  private constructor(
    readonly path: string,
    readonly cost: ScryptCost,
    private readonly users: Map<string, PasswordHash>,
  ) {}

  /** A file that is not there is an empty one; it is made at the first registration. */
  static async open(path: string, cost: ScryptCost = DEFAULT_COST): Promise<UsersFile> {
    return new UsersFile(path, cost, parseUsers(await readText(path), path));
  }

  names(): IterableIterator<string> {
    return this.users.keys();
  }

  /** Takes as long for a user who does not exist as for one who does. */
  async verify(username: string, password: string): Promise<boolean> {
    const stored = this.users.get(username);
    if (stored !== undefined) return verifyPassword(password, stored);
    this.#decoy ??= hashPassword("", this.cost);
    await verifyPassword(password, await this.#decoy);
    return false;
  }

  /** Resolves to false when the name is taken. Throws USERS_FILE_UNWRITABLE, and the user is not registered then. */
  async register(username: string, password: string): Promise<boolean> {
    const hash = await hashPassword(password, this.cost);
    if (this.users.has(username)) return false;
    this.users.set(username, hash);
    try {
      await this.#write();
    } catch (error) {
      this.users.delete(username);
      const why = systemCode(error) || String(error);
      throw new ServerError("USERS_FILE_UNWRITABLE", `cannot write ${this.path}: ${why}`, { cause: error });
    }
    return true;
  }

  /** Resolves when nothing is being written. */
  async flushed(): Promise<void> {
    await this.#writing.catch(() => {});
  }

  /** One write at a time, in order, each with all users of its moment. */
  #write(): Promise<void> {
    const write = async (): Promise<void> => {
      const lines = [...this.users].map(([username, hash]) => `${username}:${formatHash(hash)}\n`);
      await writeFileAtomically(this.path, HEADER + lines.join(""));
    };
    this.#writing = this.#writing.then(write, write);
    return this.#writing;
  }
}
