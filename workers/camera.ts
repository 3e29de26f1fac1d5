import { runStage } from "../src/media/ring/worker_loop.js";
import { CameraStage } from "../src/media/stages/camera_stage.js";

runStage("camera", (host) => new CameraStage(host));
