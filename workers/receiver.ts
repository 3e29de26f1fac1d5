import { runStage } from "../src/media/ring/worker_loop.js";
import { ReceiverStage } from "../src/media/stages/receiver_stage.js";

runStage("receiver", (host) => new ReceiverStage(host));
