/** How two ends exchange their descriptions without a signaling server: by hand, over HTTP, by WHIP and WHEP. */
export {
  type DecodeDescriptionOptions,
  decodeDescription,
  type EncodeDescriptionOptions,
  encodeDescription,
} from "./description_text.js";
export { ExchangeError, type ExchangeErrorCode } from "./exchange_error.js";
export { type GatheringOptions, gatheringComplete } from "./gathering.js";
export type { HttpListener, ListenOptions, RequestListener } from "./http/http_listener.js";
export { type SendOfferOptions, sendOffer } from "./offer_client.js";
export {
  OfferEndpoint,
  type OfferEndpointOptions,
  type OfferServer,
  type OfferServerOptions,
  serveOffers,
} from "./offer_endpoint.js";
export {
  MediaEndpoint,
  type MediaEndpointOptions,
  type MediaServer,
  type MediaServerOptions,
  serveMedia,
} from "./whip/media_endpoint.js";
export { MediaSession, type MediaSessionOptions, playMedia, publishMedia } from "./whip/media_session.js";
