/** An application's worker: what a test says in the transform's options is done with every frame. */
import { TransformStream } from "node:stream/web";
import { parentPort } from "node:worker_threads";
import {
  type RTCEncodedAudioFrame,
  RTCEncodedVideoFrame,
  type RTCRtpScriptTransformer,
  transformScope,
} from "../../src/webrtc/index.js";

export type TransformTask =
  /** All but what payload formats look into is combined with the key. */
  | { readonly does: "xor"; readonly key: number }
  /** Frames are taken and never given back. */
  | { readonly does: "swallow" }
  | { readonly does: "throw" };

type Frame = RTCEncodedVideoFrame | RTCEncodedAudioFrame;

function xor(frame: Frame, key: number): void {
  const clear = frame instanceof RTCEncodedVideoFrame ? (frame.type === "key" ? 10 : 3) : 1;
  const bytes = new Uint8Array(frame.data);
  for (let i = clear; i < bytes.length; i++) bytes[i] ^= key;
  frame.data = bytes.buffer;
}

function through(task: TransformTask): TransformStream<Frame, Frame> {
  return new TransformStream<Frame, Frame>({
    transform(frame, controller) {
      if (task.does === "throw") throw new Error("a transform that throws");
      if (task.does === "swallow") return;
      xor(frame, task.key);
      controller.enqueue(frame);
    },
  });
}

transformScope.onrtctransform = ({ transformer }: { transformer: RTCRtpScriptTransformer }) => {
  const task = transformer.options as TransformTask;
  transformer.readable
    .pipeThrough(through(task))
    .pipeTo(transformer.writable)
    .catch((error: Error) => parentPort?.postMessage(error.message));
};
