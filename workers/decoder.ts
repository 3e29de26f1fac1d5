import { runStage } from "../src/media/ring/worker_loop.js";
import { DecoderStage } from "../src/media/stages/decoder_stage.js";

runStage("decoder", (host) => new DecoderStage(host));
