import { runStage } from "../src/media/ring/worker_loop.js";
import { SpeakerStage } from "../src/media/stages/speaker_stage.js";

runStage("speaker", (host) => new SpeakerStage(host));
