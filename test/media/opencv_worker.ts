/** A thread that plays 30 pictures by OpenCV and ends: size and number of pictures go to its parent. */
import { parentPort, workerData } from "node:worker_threads";
import { Descriptor } from "../../src/media/ring/descriptor.js";
import { openVideoSource } from "../../src/media/sources/open_video_source.js";

const source = openVideoSource({
  kind: "opencv",
  target: workerData as string,
  loop: true,
  width: 640,
  height: 480,
  frameRate: 30,
});
if (source === undefined) throw new Error("no source");
const bytes = new Uint8Array(new SharedArrayBuffer(source.pictureBytes));
const picture = new Descriptor();
let shown = 0;
for (let frame = 0; frame < 30; frame++) shown += source.capture(bytes, picture, frame, 1);
source.close();
parentPort?.postMessage([picture.width, picture.height, shown]);
