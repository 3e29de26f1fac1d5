import { createHash, createHmac } from "node:crypto";
import type { HmacSha1, Md5 } from "../../../src/protocol/stun/index.js";

export const hmacSha1: HmacSha1 = (key, data) => createHmac("sha1", key).update(data).digest();
export const md5: Md5 = (data) => createHash("md5").update(data).digest();
