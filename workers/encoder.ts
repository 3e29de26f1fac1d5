import { runStage } from "../src/media/ring/worker_loop.js";
import { EncoderStage } from "../src/media/stages/encoder_stage.js";

runStage("encoder", (host) => new EncoderStage(host));
