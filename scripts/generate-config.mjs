// Writes room_rtc.conf from the table of keys (src/config/schema.ts); run after a build.
import { writeFileSync } from "node:fs";
import { printConfig } from "../dist/src/config/print.js";

writeFileSync(new URL("../room_rtc.conf", import.meta.url), printConfig());
