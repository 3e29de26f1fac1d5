import { runStage } from "../src/media/ring/worker_loop.js";
import { SenderStage } from "../src/media/stages/sender_stage.js";

runStage("sender", (host) => new SenderStage(host));
