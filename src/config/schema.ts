/**
 * Every key of room_rtc.conf with its unit, range, default and meaning. This table is the one place where a default
 * lives; `room_rtc.conf` itself is printed from it (scripts/generate-config.mjs).
 */
import {
  boolean,
  choice,
  hostPort,
  integer,
  ipAddress,
  ipNetwork,
  type Kind,
  list,
  path,
  text,
} from "./kinds.js";

export interface Key<T> extends Kind<T> {
  readonly default: T;
  readonly about: string;
  readonly unit?: string;
  /** Why the value is read but not obeyed (the ancestor's key for something that the standard decides). */
  readonly notObeyed?: string;
}

function key<T>(kind: Kind<T>, fallback: T, about: string, unit?: string): Key<T> {
  return { ...kind, default: fallback, about, ...(unit === undefined ? {} : { unit }) };
}

/** A key of the ancestor whose value a standard stack must choose itself: accepted with a notice. */
function ancestral<T>(kind: Kind<T>, fallback: T, about: string, notObeyed: string): Key<T> {
  return { ...kind, default: fallback, about, notObeyed };
}

const noChannels = "this version has no data channels";
const randomSsrc = "SSRCs are chosen at random for each session (RFC 3550 §8)";

export const schema = {
  network: {
    bind_address: key(ipAddress, "0.0.0.0", "Address for the media sockets; 0.0.0.0 means every interface"),
    max_udp_packet_size: key(integer(576, 9000), 1200, "Largest UDP payload that is sent", "bytes"),
    port_min: key(integer(0, 65535), 0, "Lowest port for media sockets; 0 lets the system choose"),
    port_max: key(integer(0, 65535), 0, "Highest port for media sockets; 0 lets the system choose"),
    include_loopback: key(boolean, false, "Offer loopback addresses too (calls within one machine)"),
  },
  media: {
    video_source: key(
      text(4096),
      "test",
      "Video: test, test:noise, file:PATH (.y4m, .h264), v4l2:/dev/videoN, opencv:TARGET, screen:…, or none",
    ),
    audio_source: key(text(4096), "tone", "Sound: tone, tone:HZ, file:PATH (.wav), null (silence) or none"),
    camera_index: key(integer(-1, 63), -1, "N of /dev/videoN to use in place of video_source; -1: not set"),
    frame_width: key(integer(16, 4096), 1280, "Captured width", "pixels"),
    frame_height: key(integer(16, 2304), 720, "Captured height", "pixels"),
    frame_rate: key(integer(1, 120), 30, "Captured frames", "frames a second"),
    video_bitrate_bps: key(
      integer(50_000, 50_000_000),
      2_000_000,
      "Target of the H.264 encoder",
      "bits a second",
    ),
    audio_bitrate_bps: key(integer(6_000, 510_000), 32_000, "Target of the Opus encoder", "bits a second"),
    h264_idr_interval: key(
      integer(0, 100_000),
      0,
      "Frames between IDR pictures; 0: only on request",
      "frames",
    ),
    openh264_library: key(text(4096), "", "OpenH264 shared library to load; empty: the system's"),
    rtp_max_chunk_size: key(
      integer(300, 8900),
      1100,
      "Largest NAL unit for peers that take no fragments",
      "bytes",
    ),
    frame_ssrc: ancestral(integer(0, 0xffffffff), 0, "SSRC of the video stream", randomSsrc),
    audio_ssrc: ancestral(integer(0, 0xffffffff), 0, "SSRC of the audio stream", randomSsrc),
    video_payload_type: key(integer(96, 127), 102, "Payload type that our offers give H.264"),
    audio_payload_type: key(integer(96, 127), 111, "Payload type that our offers give Opus"),
    video_codec_name: key(choice("H264"), "H264", "Video codec"),
    audio_codec_name: key(choice("opus"), "opus", "Audio codec"),
    clock_rate: ancestral(
      integer(1, 1_000_000),
      90_000,
      "RTP clock of video",
      "RFC 6184 fixes it at 90000 Hz",
    ),
    rtp_version: ancestral(integer(0, 3), 2, "RTP version", "RFC 3550 fixes it at 2"),
    video_media_type: ancestral(text(), "video", "Media type of the video section", "SDP fixes it"),
    audio_media_type: ancestral(text(), "audio", "Media type of the audio section", "SDP fixes it"),
    media_protocol: ancestral(
      text(),
      "UDP/TLS/RTP/SAVPF",
      "Transport protocol",
      "WebRTC is always UDP/TLS/RTP/SAVPF (RFC 8827)",
    ),
    jitter_buffer_size: key(
      integer(1, 4096),
      512,
      "Video packets that the jitter buffer holds at most, rounded up to a power of two from 64 on",
      "packets",
    ),
    audio_channels: key(integer(1, 2), 1, "Channels of the captured sound"),
    audio_sample_rate: ancestral(
      integer(8000, 192_000),
      48_000,
      "Sample rate of the captured sound",
      "Opus runs at 48000 Hz (RFC 7587 §4.1), sources are resampled",
    ),
    audio_frame_size: key(
      choice("120", "240", "480", "960", "1920", "2880"),
      "960",
      "Opus frame at 48 kHz",
      "samples",
    ),
  },
  rtcp: {
    report_period_millis: key(integer(100, 60_000), 1_000, "Mean time between reports", "ms"),
    receive_limit_millis: key(integer(100, 600_000), 20_000, "Silence that ends a call", "ms"),
    unstable_after_millis: key(integer(100, 600_000), 2_000, "Silence that marks a call unstable", "ms"),
    retry_limit: key(integer(0, 100), 10, "Times that one lost packet is asked for again"),
  },
  rtp: {
    read_timeout_millis: ancestral(
      integer(0, 600_000),
      0,
      "Time-out of a socket read",
      "reads wake on arrival",
    ),
    max_packet_size: key(integer(576, 65_507), 1_500, "Largest RTP packet that is accepted", "bytes"),
  },
  sdp: {
    version: ancestral(integer(0, 9), 0, "Protocol version", "RFC 8866 fixes it at 0"),
    origin_id: ancestral(text(), "", "Session id of the origin line", "chosen at random (RFC 8829 §5.2.1)"),
    session_name: ancestral(text(), "-", "Session name", "RFC 8829 fixes it at '-'"),
    timing: ancestral(text(), "0 0", "Time line", "RFC 8829 fixes it at '0 0'"),
    connection_data_net_type: ancestral(text(), "IN", "Net type", "RFC 8866 fixes it at IN"),
    connection_data_addr_type: ancestral(text(), "IP4", "Address type", "follows from the candidates"),
    connection_data_address: ancestral(
      text(),
      "0.0.0.0",
      "Connection address",
      "follows from the candidates",
    ),
  },
  ice: {
    stun_servers: key(list(hostPort), [], "STUN servers for server-reflexive candidates"),
    turn_servers: key(list(hostPort), [], "TURN servers for relayed candidates, over UDP"),
    turn_username: key(text(508), "", "Username for the TURN servers"),
    turn_password: key(text(), "", "Password for the TURN servers"),
    relay_only: key(
      boolean,
      false,
      "Call through TURN servers only: the peer learns no address of this machine",
    ),
    foundation: ancestral(
      text(),
      "",
      "Candidate foundation",
      "computed for each candidate (RFC 8445 §5.1.1.3)",
    ),
    transport: ancestral(text(), "UDP", "Candidate transport", "UDP"),
    component_id: ancestral(integer(1, 256), 1, "Component", "rtcp-mux is always used: component 1"),
    host_priority_preference: ancestral(
      integer(0, 126),
      126,
      "Type preference of host candidates",
      "RFC 8445 §5.1.2.2 recommends 126",
    ),
    srflx_priority_preference: ancestral(
      integer(0, 126),
      100,
      "Type preference of reflexive candidates",
      "RFC 8445 §5.1.2.2 recommends 100",
    ),
    host_local_preference: ancestral(
      integer(0, 65_535),
      65_535,
      "Local preference",
      "computed for each address (RFC 8421)",
    ),
  },
  server: {
    users_file: key(path, "users.txt", "Registered users: name and scrypt hash, a line each"),
    server_client_addr: key(hostPort, "0.0.0.0:8443", "Address that the server listens on (TLS)"),
    client_server_addr: key(hostPort, "127.0.0.1:8443", "Server that the client connects to"),
    http_port: key(integer(0, 65_535), 8080, "Plain HTTP on the loopback address only; 0: off"),
    server_private_key_file: key(
      path,
      ".roomrtc/server.key.pem",
      "Private key, made at first start, mode 0600",
    ),
    server_certification_file: key(path, ".roomrtc/server.cert.pem", "Certificate, made at first start"),
    server_name: key(text(), "localhost", "Name in the certificate"),
    max_amount_of_users_connected: key(integer(1, 100_000), 100, "Clients connected at once", "clients"),
    known_servers_file: key(path, ".roomrtc/known_servers", "Fingerprints that the client remembers"),
    server_log_file: key(path, "room_rtc.server.log", "Log of the server"),
    client_log_file: key(path, "room_rtc.log", "Log of the client"),
    log_level: key(choice("trace", "debug", "info", "warn", "error"), "info", "Least level that is logged"),
    log_max_bytes: key(integer(10_000, 1_000_000_000), 10_000_000, "Size at which a log is rotated", "bytes"),
    log_files: key(integer(1, 100), 5, "Rotated logs that are kept", "files"),
  },
  turn: {
    enabled: key(boolean, false, "Run the server; without users and secrets it answers STUN alone"),
    listen_addresses: key(list(ipAddress), [], "Addresses to listen on; empty: every one of this machine"),
    udp_port: key(integer(0, 65_535), 3478, "Port for UDP; 0: off"),
    tcp_port: key(integer(0, 65_535), 3478, "Port for TCP; 0: off"),
    tls_port: key(integer(0, 65_535), 5349, "Port for TLS, with the certificate of [server]; 0: off"),
    relay_addresses: key(
      list(ipAddress),
      [],
      "Where relays are bound, one address of a family; empty: the first listened on that is no loopback",
    ),
    external_addresses: key(
      list(ipAddress),
      [],
      "What clients are told in place of the relay address of the family (1:1 address translation)",
    ),
    relay_port_min: key(integer(1024, 65_535), 49_152, "Lowest port of relays"),
    relay_port_max: key(integer(1024, 65_535), 65_535, "Highest port of relays"),
    realm: key(text(127), "roomrtc", "Realm of the long-term credentials; of 8 characters it costs least"),
    users_file: key(text(4096), "", "Users, NAME:PASSWORD a line; empty: none"),
    shared_secret: key(text(), "", "Secret for time-limited credentials; empty: none"),
    previous_shared_secret: key(text(), "", "Accepted as well, while the secret is being replaced"),
    max_allocations: key(integer(1, 60_000), 1000, "Relays at once"),
    max_allocations_per_user: key(integer(1, 60_000), 10, "Relays at once of one user"),
    default_lifetime_seconds: key(
      integer(30, 86_400),
      600,
      "Lifetime of a relay unless refreshed",
      "seconds",
    ),
    max_lifetime_seconds: key(integer(30, 86_400), 3600, "Longest lifetime that is given at once", "seconds"),
    max_age_seconds: key(
      integer(0, 31_536_000),
      0,
      "Age at which a relay ends, refreshed or not; 0: none",
      "seconds",
    ),
    nonce_seconds: key(integer(10, 86_400), 600, "How long a nonce is good for", "seconds"),
    allowed_peers: key(
      list(ipNetwork),
      [],
      "Networks to relay to although they are loopback, private or otherwise special",
    ),
    denied_peers: key(list(ipNetwork), [], "Networks never to relay to"),
  },
  dcep: {
    ack_wait_timeout_millis: ancestral(
      integer(1, 600_000),
      10_000,
      "Wait for a data channel's ACK",
      noChannels,
    ),
    open_wait_timeout_millis: ancestral(
      integer(1, 600_000),
      10_000,
      "Wait for a data channel's OPEN",
      noChannels,
    ),
  },
} as const satisfies Record<string, Record<string, Key<never> | Key<unknown>>>;

type Schema = typeof schema;
type ValueOf<K> = K extends Key<infer T> ? T : never;

export type Config = {
  readonly [S in keyof Schema]: { readonly [K in keyof Schema[S]]: ValueOf<Schema[S][K]> };
};

/** Keys of the ancestor's flat files (server.conf, client.conf) and where they live here. */
export const flatKeys: Readonly<Record<string, readonly (readonly [section: string, key: string])[]>> = {
  server_addr: [
    ["server", "server_client_addr"],
    ["server", "client_server_addr"],
  ],
  users_file: [["server", "users_file"]],
  log_file: [
    ["server", "server_log_file"],
    ["server", "client_log_file"],
  ],
  max_clients: [["server", "max_amount_of_users_connected"]],
  video_width: [["media", "frame_width"]],
  video_height: [["media", "frame_height"]],
  video_fps: [["media", "frame_rate"]],
  width: [["media", "frame_width"]],
  height: [["media", "frame_height"]],
  fps: [["media", "frame_rate"]],
};
