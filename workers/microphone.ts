import { runStage } from "../src/media/ring/worker_loop.js";
import { MicrophoneStage } from "../src/media/stages/microphone_stage.js";

runStage("microphone", (host) => new MicrophoneStage(host));
