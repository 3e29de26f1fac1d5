/** The program's worker of the example insertable-streams. */
import { transformScope } from "roomrtc";
import { frameCipher } from "./frame_cipher.js";

transformScope.onrtctransform = ({ transformer: { readable, writable, options } }) => {
  const cipher = frameCipher(options as { secret: string; encrypts: boolean });
  void readable.pipeThrough(new TransformStream(cipher)).pipeTo(writable);
};
