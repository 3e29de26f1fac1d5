/**
 * `npm run bench -- sources`: what one picture of 1280x720 costs by each source that reads the same film, as time that passed
 * and as CPU time of the whole process (OpenCV's back ends have threads). Behind docs/decisions/0102-opencv-as-a-source.md.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type ImageLayout, native, type PixelFormat } from "../native/addon.js";
import { Descriptor } from "../src/media/ring/descriptor.js";
import { openVideoSink } from "../src/media/sinks/video_sink.js";
import { parseVideoSource } from "../src/media/source_spec.js";
import { openVideoSource } from "../src/media/sources/open_video_source.js";
import { TestPattern } from "../src/media/sources/test_pattern.js";
import { ImageLayoutCache } from "../src/media/stages/image_layout.js";

const SIZE = { width: 1280, height: 720, frameRate: 30 };
const FILM_PICTURES = 30;

interface Side {
  readonly name: string;
  readonly openMs: number;
  next(): void;
  close(): void;
}

interface Figures {
  readonly wallMs: number;
  readonly cpuMs: number;
}

export async function run(args: string[]): Promise<void> {
  const options = {
    pictures: { type: "string", default: "300" },
    rounds: { type: "string", default: "5" },
  } as const;
  const { values } = parseArgs({ args, options });
  const folder = mkdtempSync(join(tmpdir(), "roomrtc-bench-"));
  try {
    measureAll(makeFilms(folder), Number(values.pictures), Number(values.rounds));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function measureAll(films: Films, pictures: number, rounds: number): void {
  const sides = openSides(films);
  const found = sides.map(() => [] as Figures[]);
  for (let round = 0; round <= rounds; round++) {
    sides.forEach((side, i) => {
      const figures = measure(side, pictures);
      // The first round warms up.
      if (round > 0) found[i].push(figures);
    });
  }
  print(
    `${SIZE.width}x${SIZE.height}, ${pictures} pictures a round, ${rounds} rounds; median (least to most)`,
  );
  print("source | to open, ms | a picture, ms | a picture, ms CPU");
  sides.forEach((side, i) => {
    const cells = [side.name, side.openMs.toFixed(1), ...columns(found[i])];
    print(cells.join(" | "));
    side.close();
  });
}

function measure(side: Side, pictures: number): Figures {
  const cpu = process.cpuUsage();
  const startUs = native.monotonicUs();
  for (let i = 0; i < pictures; i++) side.next();
  const wallMs = (native.monotonicUs() - startUs) / 1e3 / pictures;
  const { user, system } = process.cpuUsage(cpu);
  return { wallMs, cpuMs: (user + system) / 1e3 / pictures };
}

function columns(rounds: readonly Figures[]): string[] {
  const spread = (values: number[]) => {
    const sorted = values.sort((a, b) => a - b);
    const [least, most] = [sorted[0], sorted[sorted.length - 1]];
    return `${sorted[sorted.length >> 1].toFixed(2)} (${least.toFixed(2)} to ${most.toFixed(2)})`;
  };
  return [spread(rounds.map(({ wallMs }) => wallMs)), spread(rounds.map(({ cpuMs }) => cpuMs))];
}

interface Films {
  readonly y4m: string;
  readonly avi: string;
  readonly jpeg: string;
}

/** The test picture, as it is and as the JPEGs of a USB camera. */
function makeFilms(folder: string): Films {
  const y4m = join(folder, "film.y4m");
  const sink = openVideoSink({ kind: "y4m", path: y4m, frameRate: SIZE.frameRate });
  const source = new TestPattern({ ...SIZE, noise: true, tag: 1 });
  const picture = new Uint8Array(source.pictureBytes);
  const descriptor = new Descriptor();
  for (let frame = 0; frame < FILM_PICTURES; frame++) {
    source.capture(picture, descriptor, frame, 0);
    descriptor.playoutUs = (frame * 1e6) / SIZE.frameRate;
    sink?.picture(picture, descriptor);
  }
  sink?.close();
  const [avi, jpeg] = [join(folder, "film.avi"), join(folder, "picture.jpg")];
  const ffmpeg = (...args: string[]) =>
    execFileSync("ffmpeg", ["-loglevel", "error", "-nostdin", "-y", "-i", y4m, ...args]);
  ffmpeg("-c:v", "mjpeg", "-q:v", "4", "-pix_fmt", "yuvj420p", avi);
  ffmpeg("-frames:v", "1", "-c:v", "mjpeg", "-q:v", "4", "-pix_fmt", "yuvj420p", jpeg);
  return { y4m, avi, jpeg };
}

function openSides({ y4m, avi, jpeg }: Films): Side[] {
  const jpegBytes = new Uint8Array(readFileSync(jpeg));
  const sides = [
    sourceSide("file: of Y4M", `file:${y4m}`),
    conversionSide(
      "V4L2, conversion of YUYV",
      "YUY2",
      new Uint8Array(2 * SIZE.width * SIZE.height).fill(128),
    ),
    conversionSide("V4L2, conversion of MJPG", "MJPG", jpegBytes),
  ];
  try {
    sides.push(sourceSide("opencv: of Y4M", `opencv:${y4m}`));
    sides.push(sourceSide("opencv: of MJPG in AVI", `opencv:${avi}`));
  } catch (error) {
    print(`left out: ${error instanceof Error ? error.message : error}`);
  }
  if (process.env.DISPLAY !== undefined) sides.push(sourceSide("screen:", `screen:0,0,1280x720`));
  return sides;
}

function sourceSide(name: string, text: string): Side {
  const startUs = native.monotonicUs();
  const source = openVideoSource(parseVideoSource(text, SIZE));
  if (source === undefined) throw new Error(`${text} gives no pictures`);
  const openMs = (native.monotonicUs() - startUs) / 1e3;
  const target = new Uint8Array(new SharedArrayBuffer(source.pictureBytes));
  const descriptor = new Descriptor();
  return {
    name,
    openMs,
    next: () => void source.capture(target, descriptor, 0, 1),
    close: () => source.close(),
  };
}

/** What `v4l2:` does with a frame that the driver has filled; the rest of its work is the driver's. */
function conversionSide(name: string, format: PixelFormat, bytes: Uint8Array): Side {
  const { width, height } = SIZE;
  const stride = format === "YUY2" ? 2 * width : bytes.length;
  const from: ImageLayout = { format, width, height, planes: [{ offset: 0, stride }] };
  const descriptor = new Descriptor();
  descriptor.setI420(width, height);
  const to = new ImageLayoutCache().of(descriptor);
  const target = new Uint8Array(new SharedArrayBuffer(descriptor.byteLength));
  return {
    name,
    openMs: 0,
    next: () => native.convertImage(bytes, from, target, to),
    close: () => undefined,
  };
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
