import { runStage } from "../src/media/ring/worker_loop.js";
import { RtcpStage } from "../src/media/stages/rtcp_stage.js";

runStage("rtcp", (host) => new RtcpStage(host));
