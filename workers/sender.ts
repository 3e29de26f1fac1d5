import { loadInterceptors } from "../src/media/interceptors/load_interceptors.js";
import { runStageWith } from "../src/media/ring/worker_loop.js";
import { SenderStage } from "../src/media/stages/sender_stage.js";

await runStageWith(
  "sender",
  ({ interceptors }) => loadInterceptors(interceptors),
  (host, interceptors) => {
    return new SenderStage(host, interceptors);
  },
);
