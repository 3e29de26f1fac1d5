import { loadInterceptors } from "../src/media/interceptors/load_interceptors.js";
import { runStageWith } from "../src/media/ring/worker_loop.js";
import { ReceiverStage } from "../src/media/stages/receiver_stage.js";

await runStageWith(
  "receiver",
  ({ interceptors }) => loadInterceptors(interceptors),
  (host, interceptors) => {
    return new ReceiverStage(host, interceptors);
  },
);
