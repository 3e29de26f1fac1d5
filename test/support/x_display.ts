/**
 * An X server without a screen (Xvfb) and a client of it that speaks the X protocol itself (X Window System Protocol,
 * version 11), so that what is captured was drawn by nobody of ours.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createConnection, type Socket } from "node:net";
import type { Readable } from "node:stream";

const XVFB = "/usr/bin/Xvfb";

/** Why tests that need a display are left out; undefined where they run. */
export const noXvfb = existsSync(XVFB) ? undefined : `there is no ${XVFB} (apt-get install xvfb)`;

/** Opcodes of requests (appendix B of the protocol). */
const Request = {
  createWindow: 1,
  changeWindowAttributes: 2,
  destroyWindow: 4,
  mapWindow: 8,
  unmapWindow: 10,
  configureWindow: 12,
  getInputFocus: 43,
  createPixmap: 53,
  createGc: 55,
  changeGc: 56,
  polyFillRectangle: 70,
  warpPointer: 41,
  createCursor: 93,
} as const;

export interface Area {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Appends fields in the order and size of the protocol. */
class Fields {
  readonly #parts: Buffer[] = [];
  u8(...values: number[]): this {
    this.#parts.push(Buffer.from(values));
    return this;
  }
  u16(...values: number[]): this {
    for (const value of values) this.#parts.push(Buffer.from(Uint16Array.of(value).buffer));
    return this;
  }
  u32(...values: number[]): this {
    for (const value of values) this.#parts.push(Buffer.from(Uint32Array.of(value).buffer));
    return this;
  }
  area({ x, y, width, height }: Area): this {
    return this.u16(x, y, width, height);
  }
  bytes(): Buffer {
    return Buffer.concat(this.#parts);
  }
}

/** A screen of 24 bits a pixel, and a connection to it. */
export class XDisplay {
  readonly name: string;
  readonly #server: ChildProcess;
  readonly #socket: Socket;
  #root = 0;
  #nextId = 0;
  #gc = 0;

  private constructor(name: string, server: ChildProcess, socket: Socket) {
    this.name = name;
    this.#server = server;
    this.#socket = socket;
  }

  static async start(width: number, height: number): Promise<XDisplay> {
    const args = ["-displayfd", "3", "-screen", "0", `${width}x${height}x24`, "-nolisten", "tcp", "-noreset"];
    const server = spawn(XVFB, args, { stdio: ["ignore", "ignore", "ignore", "pipe"] });
    const [line] = await once(server.stdio[3] as Readable, "data");
    const number = String(line).trim();
    const socket = createConnection(`/tmp/.X11-unix/X${number}`);
    const display = new XDisplay(`:${number}`, server, socket);
    await display.#setUp();
    return display;
  }

  /** Everything that was asked for has been done. */
  async sync(): Promise<void> {
    this.#send(Request.getInputFocus, 0, new Fields());
    await this.#read(32);
  }

  /** Fills an area of the root window. */
  fill(area: Area, rgb: number): void {
    this.#send(Request.changeGc, 0, new Fields().u32(this.#gc, 4, rgb));
    this.#send(Request.polyFillRectangle, 0, new Fields().u32(this.#root, this.#gc).area(area));
  }

  /** A window of one colour, without a window manager's frame; its id. */
  openWindow(area: Area, rgb: number): number {
    const id = this.#nextId++;
    const inputOutput = 1;
    const fields = new Fields().u32(id, this.#root).area(area).u16(0, inputOutput).u32(0);
    this.#send(Request.createWindow, 0, fields.u32(0x202, rgb, 1));
    this.#send(Request.mapWindow, 0, new Fields().u32(id));
    return id;
  }

  moveWindow(id: number, x: number, y: number): void {
    this.#send(Request.configureWindow, 0, new Fields().u32(id).u16(3, 0).u32(x, y));
  }

  hideWindow(id: number): void {
    this.#send(Request.unmapWindow, 0, new Fields().u32(id));
  }

  closeWindow(id: number): void {
    this.#send(Request.destroyWindow, 0, new Fields().u32(id));
  }

  /** A white square of `side` pixels, its hot spot in the upper left corner. */
  setSquareCursor(side: number): void {
    const [pixmap, gc, cursor] = [this.#nextId++, this.#nextId++, this.#nextId++];
    const white = [0xffff, 0xffff, 0xffff];
    const whole = { x: 0, y: 0, width: side, height: side };
    this.#send(Request.createPixmap, 1, new Fields().u32(pixmap, this.#root).u16(side, side));
    this.#send(Request.createGc, 0, new Fields().u32(gc, pixmap, 4, 1));
    this.#send(Request.polyFillRectangle, 0, new Fields().u32(pixmap, gc).area(whole));
    const colours = new Fields().u32(cursor, pixmap, pixmap).u16(...white, ...white, 0, 0);
    this.#send(Request.createCursor, 0, colours);
    this.#send(Request.changeWindowAttributes, 0, new Fields().u32(this.#root, 0x4000, cursor));
  }

  movePointer(x: number, y: number): void {
    this.#send(Request.warpPointer, 0, new Fields().u32(0, this.#root).u16(0, 0, 0, 0, x, y));
  }

  async stop(): Promise<void> {
    this.#socket.destroy();
    if (this.#server.exitCode !== null || this.#server.signalCode !== null) return;
    const ended = once(this.#server, "exit");
    this.#server.kill();
    await ended;
  }

  async #setUp(): Promise<void> {
    this.#socket.write(new Fields().u8(0x6c, 0).u16(11, 0, 0, 0, 0).bytes());
    const head = await this.#read(8);
    if (head[0] !== 1) throw new Error("Xvfb refuses the connection");
    const setup = await this.#read(4 * head.readUInt16LE(6));
    this.#nextId = setup.readUInt32LE(4);
    const vendorBytes = (setup.readUInt16LE(16) + 3) & ~3;
    this.#root = setup.readUInt32LE(32 + vendorBytes + 8 * setup[21]);
    this.#gc = this.#nextId++;
    this.#send(Request.createGc, 0, new Fields().u32(this.#gc, this.#root, 4, 0));
  }

  #send(opcode: number, data: number, fields: Fields): void {
    const body = fields.bytes();
    this.#socket.write(
      new Fields()
        .u8(opcode, data)
        .u16(1 + body.length / 4)
        .bytes(),
    );
    this.#socket.write(body);
  }

  async #read(bytes: number): Promise<Buffer> {
    for (;;) {
      const found = this.#socket.read(bytes) as Buffer | null;
      if (found !== null) return found;
      await once(this.#socket, "readable");
    }
  }
}
