import { internals } from "./internals.js";
import type { RTCDataChannel } from "./rtc_data_channel.js";
import type { EventInit } from "./rtc_events.js";
import { defineInterface, requireObjects } from "./web_idl.js";

export interface RTCDataChannelEventInit extends EventInit {
  readonly channel: RTCDataChannel;
}

/** The peer made a data channel (WebRTC 1.0 §6.3). */
export class RTCDataChannelEvent extends Event {
  declare readonly channel: RTCDataChannel;
  /** @internal */
  readonly [internals]: { readonly channel: RTCDataChannel };

  constructor(type: string, init: RTCDataChannelEventInit) {
    requireObjects(init, "channel");
    super(type, init);
    this[internals] = { channel: init.channel };
  }
}
defineInterface(RTCDataChannelEvent, { attributes: ["channel"], length: 2 });
