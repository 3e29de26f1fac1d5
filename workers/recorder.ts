import { parentPort, workerData } from "node:worker_threads";
import { native } from "../native/addon.js";
import {
  type RecorderOrder,
  type RecorderTask,
  RecorderThread,
} from "../src/media/recording/recorder_thread.js";

const port = parentPort;
if (port === null) throw new Error("recorder: runs only as a worker of the media engine");
native.setThreadName("recorder");
const thread = new RecorderThread(workerData as RecorderTask, (notice) => {
  port.postMessage(notice);
  if (notice.type === "closed") port.close();
});
port.on("message", (order: RecorderOrder) => thread.order(order));
