/**
 * The typed door to the C++ addon. Everything native is reached through {@link native}; each thread that
 * imports this module gets its own addon instance over the same code.
 *
 * Units: time in microseconds (`Us`, fractions allowed, CLOCK_MONOTONIC), sizes in bytes unless named.
 * Buffers are `Uint8Array` views (also over a SharedArrayBuffer); native code never keeps one past the call.
 */
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

/** Pixel formats by their libyuv names: `RGB24` is B,G,R in memory, `RAW` is R,G,B, `ABGR` is R,G,B,A ("RGBA" of the web). */
export type PixelFormat = "I420" | "NV12" | "YUY2" | "RGB24" | "RAW" | "ARGB" | "ABGR" | "MJPG";

/** Where one plane lies in its buffer. */
export interface PlaneLayout {
  /** Bytes from the buffer's start to the plane's first row. */
  readonly offset: number;
  /** Bytes from one row to the next. For MJPG: the JPEG's length, 0 for "to the buffer's end". */
  readonly stride: number;
}

/** An image in a buffer. I420: planes Y, U, V (chroma (w+1)/2 by (h+1)/2); NV12: Y, UV; packed formats: one plane. */
export interface ImageLayout {
  readonly format: PixelFormat;
  readonly width: number;
  readonly height: number;
  readonly planes: readonly PlaneLayout[];
}

export type ScaleFilter = "none" | "linear" | "bilinear" | "box";

/** What every video encoder is told. */
export interface VideoEncoderOptions {
  /** Even, 16 to 4096, as `height`: 4:2:0 pictures are cropped in pairs of samples. */
  readonly width: number;
  readonly height: number;
  readonly frameRate: number;
  readonly bitrateBps: number;
  /** Encoder threads; 1 by default. */
  readonly threads?: number;
}

export interface H264EncoderOptions extends VideoEncoderOptions {
  /** Frames between IDRs without a request; 0: only on request. */
  readonly idrInterval: number;
  /** Largest NAL unit in bytes, for packetization-mode 0; 0: one slice a picture. */
  readonly maxNalBytes?: number;
  /** File to load OpenH264 from; Debian's by default. */
  readonly libraryPath?: string;
}

export interface Vp8EncoderOptions extends VideoEncoderOptions {
  /** Frames between keyframes without a request; 0: only on request. */
  readonly keyframeInterval: number;
  /** 1 to 16, 12 by default: processor time against picture. */
  readonly speed?: number;
}

/** One of the addon's encoders; all work alike. */
export interface VideoEncoder {
  /**
   * Encodes one I420 picture into `out`: H.264 as Annex-B (SPS and PPS before every IDR), VP8 as one frame. Returns the
   * bytes written, 0 when rate control skipped the picture. Throws when `out` is too small (the picture is lost, the
   * next one is a keyframe).
   */
  encode(
    image: Uint8Array,
    layout: ImageLayout,
    captureTimeUs: number,
    forceKeyframe: boolean,
    out: Uint8Array,
  ): number;
  /** Whether the last `encode` produced a keyframe (H.264: an IDR picture). */
  readonly lastWasKeyframe: boolean;
  setBitrate(bitrateBps: number): void;
  setFrameRate(frameRate: number): void;
  close(): void;
}

/** Indices into the Int32Array that {@link VideoDecoder.decode} fills. */
export const DecodedLayout = {
  width: 0,
  height: 1,
  strideY: 2,
  strideU: 3,
  strideV: 4,
  offsetY: 5,
  offsetU: 6,
  offsetV: 7,
  words: 8,
} as const;

/** One of the addon's decoders; all work alike. */
export interface VideoDecoder {
  /**
   * Decodes one access unit (H.264: Annex-B; VP8: one frame). When it completes a picture, copies it as I420 into `out`,
   * fills `layout` ({@link DecodedLayout}) and returns the picture's byte length; 0: no picture; -1: damaged, a keyframe
   * is needed; -2: `out` is too small (layout's width and height say for what).
   */
  decode(accessUnit: Uint8Array, out: Uint8Array, layout: Int32Array): number;
  close(): void;
}

export interface OpusEncoderOptions {
  /** Always 48000 on the wire clock; 8000, 12000, 16000, 24000 or 48000 at the input. */
  readonly sampleRate: number;
  readonly channels: 1 | 2;
  readonly bitrateBps: number;
  readonly application?: "voip" | "audio" | "lowdelay";
  /** In-band forward error correction (RFC 6716 §2.1.7). */
  readonly fec?: boolean;
  readonly dtx?: boolean;
  /** Expected loss in percent, steers FEC. */
  readonly packetLossPercent?: number;
  /** 0 to 10, 5 by default: processor time against sound. */
  readonly complexity?: number;
}

export interface OpusEncoder {
  /**
   * Encodes one frame of interleaved samples (2.5, 5, 10, 20, 40 or 60 ms). Returns bytes written to `out`; under DTX one
   * or two of them stand for silence and need not be sent.
   */
  encode(pcm: Int16Array, out: Uint8Array): number;
  setBitrate(bitrateBps: number): void;
  setPacketLoss(percent: number): void;
  close(): void;
}

export interface OpusDecoder {
  /** Decodes one packet into interleaved samples; returns samples per channel, -1 when the packet is damaged. */
  decode(packet: Uint8Array, pcm: Int16Array): number;
  /** Recovers the frame before `packet` from its in-band FEC; `frameSamples` per channel. */
  decodeFec(packet: Uint8Array, pcm: Int16Array, frameSamples: number): number;
  /** Conceals a lost frame of `frameSamples` per channel. */
  conceal(pcm: Int16Array, frameSamples: number): number;
  close(): void;
}

/** SRTP protection profiles by their IANA names without the `SRTP_` prefix (RFC 5764 §4.1.2, RFC 7714 §14.2). */
export type SrtpProfile = "AEAD_AES_128_GCM" | "AEAD_AES_256_GCM" | "AES128_CM_SHA1_80";

/** What `unprotect…` returns instead of a length. */
export const SrtpError = { malformed: -1, authentication: -2, replay: -3 } as const;

/**
 * One direction of SRTP and SRTCP under one master key (RFC 3711, RFC 7714); all SSRCs of the direction, 1024 at most.
 * The first packet settles the direction: protecting and unprotecting with one object throws SRTP_DIRECTION.
 *
 * `protect…` returns `SrtpError.replay` for a sequence number it has protected before: a second packet under one nonce
 * would give the key away, so a retransmission sends the protected bytes again. It throws SRTP_TOO_MANY_SOURCES and
 * SRTP_KEY_EXHAUSTED (2^48 RTP, 2^31 RTCP packets).
 */
export interface SrtpContext {
  readonly profile: SrtpProfile;
  /** Most bytes `protectRtp` adds. */
  readonly rtpOverhead: number;
  readonly rtcpOverhead: number;
  /** Protects `length` bytes at `offset` in place; returns the new length (the buffer must have the overhead's room). */
  protectRtp(buffer: Uint8Array, offset: number, length: number): number;
  protectRtcp(buffer: Uint8Array, offset: number, length: number): number;
  /**
   * Opens, in place, a copy of a packet that this very object protected and that is less than 2^15 numbers old: what a
   * retransmission stream repeats (RFC 4588). Returns the new length or a {@link SrtpError}.
   */
  recoverRtp(buffer: Uint8Array, offset: number, length: number): number;
  /**
   * Unprotects in place; returns the new length or a {@link SrtpError}, after which the payload's bytes are undefined.
   * Never throws for network bytes.
   */
  unprotectRtp(buffer: Uint8Array, offset: number, length: number): number;
  unprotectRtcp(buffer: Uint8Array, offset: number, length: number): number;
  /**
   * As `protectRtp` for `count` packets of a datagram table ({@link DatagramTable}): each entry's length becomes the
   * result; `UdpSocket.send` skips entries with a negative one.
   */
  protectRtpBatch(slab: Uint8Array, table: Int32Array, first: number, count: number): void;
  /** As `unprotectRtp` for `count` packets of a datagram table; each entry's length becomes the result. */
  unprotectRtpBatch(slab: Uint8Array, table: Int32Array, first: number, count: number): void;
  close(): void;
}

/**
 * A table of datagrams over one slab, as the UDP calls read and fill it: `words` 32-bit words an entry. Address words
 * hold the network-order bytes as they lie in memory (IPv4: the first word alone); `arrival` is a float64 (µs) over two words.
 */
export const DatagramTable = {
  offset: 0,
  length: 1,
  /** 4 or 6. */
  family: 2,
  port: 3,
  address: 4,
  arrival: 8,
  scopeId: 10,
  flags: 11,
  words: 12,
} as const;

export interface UdpBindOptions {
  /** A numeric IPv4 or IPv6 address. */
  readonly address: string;
  /** 0: any. */
  readonly port: number;
  readonly receiveBufferBytes?: number;
  readonly sendBufferBytes?: number;
  /** Others may bind the same address and port, too (SO_REUSEADDR and SO_REUSEPORT); false by default. */
  readonly shared?: boolean;
}

export interface UdpSocket {
  readonly address: string;
  readonly port: number;
  readonly family: 4 | 6;
  /** The descriptor; hand it to another thread's `UdpSocket.attach`, which duplicates it. */
  readonly fd: number;
  /**
   * Receives what is there, without waiting, into `slab`; returns the entries filled. With 65536 bytes and 128 entries
   * or more, bursts the kernel coalesced (UDP GRO) are taken whole and come split; each further 65536 bytes and 128
   * entries let one system call take one burst more (1 MiB and 2048 entries suit a busy socket). A smaller slab gives
   * every datagram its share, 2048 bytes at least; larger datagrams are dropped and counted as `truncated`. Keep to
   * one of the two kinds for the life of a socket. An entry's `arrival` is when the kernel received it.
   */
  receive(slab: Uint8Array, table: Int32Array): number;
  /**
   * Sends entries [first, first+count) in as few system calls as the kernel allows (GSO, sendmmsg). Returns how many the
   * kernel took; the rest were dropped (full buffer, unreachable, other family) and counted. Entries of length zero or
   * less are skipped.
   */
  send(slab: Uint8Array, table: Int32Array, first: number, count: number): number;
  /**
   * As `send`, but stops where the kernel has no room. Returns how many entries are done with; the others can be sent
   * later.
   */
  sendWhatFits(slab: Uint8Array, table: Int32Array, first: number, count: number): number;
  /** Takes part in a multicast group of the socket's family on one interface, by its name. */
  joinMulticast(group: string, interfaceName: string): void;
  /** Datagrams to multicast groups leave through this interface from now on, with 255 hops to live. */
  setMulticastInterface(interfaceName: string): void;
  readonly counters: {
    sent: number;
    received: number;
    sendErrors: number;
    truncated: number;
    syscalls: number;
  };
  close(): void;
}

export interface StreamConnectOptions {
  /** A numeric address of this machine to come from; the system's choice by default. */
  readonly localAddress?: string;
  /** A numeric IPv4 or IPv6 address. */
  readonly address: string;
  readonly port: number;
  /**
   * What ends a message: "turn" is STUN and ChannelData (RFC 8656 §12.5, which is padded by itself), "rfc4571" two bytes
   * of length before each.
   */
  readonly framing: "turn" | "rfc4571";
  /** TLS 1.2 or newer, the certificate checked against the name or address and the system's authorities. */
  readonly tls?: {
    readonly serverName: string;
    /** PEM certificates that are trusted as well. */
    readonly extraCaPem?: string;
  };
}

/**
 * One TCP connection, maybe under TLS, that carries messages as a `UdpSocket` carries datagrams. Never waits. One thread
 * owns it and receives; any may `attach` and send: a message is taken whole or refused whole. What waits to be sent is
 * bounded by 128 KiB, 160 KiB for ICE and DTLS handshakes.
 */
export interface StreamSocket {
  /** Its number in the process, for `attach`. */
  readonly handle: number;
  readonly family: 4 | 6;
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly state: "connecting" | "handshaking" | "open" | "closed" | "failed";
  /** Why it is closed or failed, such as `the certificate of a.example is refused: hostname mismatch`. */
  readonly failure: string;
  /**
   * As `UdpSocket.receive`, one entry for each whole message; call it whenever the poller says readable, in every state:
   * it goes on with connecting and with what waits to be sent. The slab has 65 555 bytes at least.
   */
  receive(slab: Uint8Array, table: Int32Array): number;
  /** As `UdpSocket.send`, but in order until one is refused; the entries' addresses mean nothing. */
  send(slab: Uint8Array, table: Int32Array, first: number, count: number): number;
  /** Messages, and bytes received with what frames them. */
  readonly counters: { sent: number; refused: number; received: number; bytesReceived: number };
  /** The owner's ends the connection. */
  close(): void;
}

/** What a poller can wait for. */
export type Pollable = UdpSocket | StreamSocket | StreamListener;

export interface StreamListener {
  readonly address: string;
  readonly port: number;
  readonly family: 4 | 6;
  close(): void;
}

/** Waits for sockets and for a doorbell (an eventfd) at once. One owner thread; `ring` from any thread. */
export interface UdpPoller {
  /** The doorbell's descriptor, for `ringDoorbell(fd)` in other threads. Valid until `close`. */
  readonly doorbellFd: number;
  add(socket: Pollable): void;
  remove(socket: Pollable): void;
  /**
   * Returns when a socket is readable, the doorbell rang or `timeoutUs` passed (Infinity: no limit); the number of
   * readable sockets.
   */
  wait(timeoutUs: number): number;
  /** Whether `socket` was readable at the last wait; a stream also when something else about it has changed. */
  isReadable(socket: Pollable): boolean;
  close(): void;
}

/** Wakes the thread that made it, which runs an event loop, from any other. Keeps no process alive. */
export interface Waker {
  /** For `wake` in other threads. */
  readonly id: number;
  close(): void;
}

export interface Certificate {
  readonly certificatePem: string;
  readonly privateKeyPem: string;
  /** Milliseconds since 1970. */
  readonly expiresMs: number;
  /** RFC 8122 §5: upper-case hex pairs joined by colons. `algorithm` as in SDP: "sha-256", "sha-384", "sha-512", "sha-1". */
  fingerprint(algorithm: string): string;
}

export interface DtlsTransportOptions {
  readonly role: "client" | "server";
  readonly certificate: Certificate;
  /** Largest datagram the handshake sends. */
  readonly mtu?: number;
  /** In order of preference; default GCM-128, GCM-256, CM-SHA1-80. */
  readonly srtpProfiles?: readonly SrtpProfile[];
  /** First retransmission after this long (RFC 6347 §4.2.4.1; 50 ms by default, doubling). */
  readonly retransmitUs?: number;
  /** From `start` to failure when the handshake does not finish; 30 s by default. */
  readonly handshakeTimeoutUs?: number;
}

/** DTLS 1.2 over memory (RFC 6347) with use_srtp (RFC 5764). Sans-IO: time comes in, datagrams go in and out. */
export interface DtlsTransport {
  readonly state: "new" | "connecting" | "connected" | "closed" | "failed";
  /** Why the state is failed, such as `unexpected message (the peer sent the alert "…")`; "" otherwise. */
  readonly failure: string;
  start(nowUs: number): void;
  handleDatagram(datagram: Uint8Array, nowUs: number): void;
  handleTimeout(nowUs: number): void;
  /** Infinity when no timer runs. */
  readonly nextDeadlineUs: number;
  /** Writes the next datagram to send into `out`; 0 when there is none. */
  takeDatagram(out: Uint8Array): number;
  /** The peer certificate's fingerprint, "" before it is known. */
  remoteFingerprint(algorithm: string): string;
  /** The peer's certificate in DER, empty before it is known; a copy. */
  remoteCertificate(): Uint8Array;
  readonly srtpProfile: SrtpProfile | "";
  /** "DTLSv1.2 ECDHE-ECDSA-AES128-GCM-SHA256" or the like, once connected. */
  readonly cipher: string;
  /** RFC 5705. */
  exportKeyingMaterial(label: string, length: number): Uint8Array;
  sendApplicationData(data: Uint8Array): void;
  /** Next received application datagram; 0 when there is none. */
  takeApplicationData(out: Uint8Array): number;
  /** Queues close_notify. */
  close(): void;
  /** Frees the native object; further calls throw. */
  destroy(): void;
}

export interface V4l2FormatRequest {
  readonly width: number;
  readonly height: number;
  readonly frameRate: number;
}

export interface V4l2Capture {
  readonly format: "YUY2" | "NV12" | "MJPG";
  readonly width: number;
  readonly height: number;
  readonly frameRate: number;
  /** Waits up to `timeoutUs` for a frame and converts it as I420 into `out`; returns its capture time in µs, or 0 on time-out. */
  capture(out: Uint8Array, layout: ImageLayout, timeoutUs: number): number;
  close(): void;
}

export interface ScreenCaptureOptions {
  /** As X names it: ":0", ":0.1", "host:0". */
  readonly display: string;
  /** The part of the screen to show, in pixels; all of it by default. */
  readonly region?: {
    readonly x: number;
    readonly y: number;
    readonly width: number;
    readonly height: number;
  };
  /** A window's id: shows the part of the screen where that window lies, and whatever covers it. */
  readonly window?: number;
  /** A larger picture is scaled down until it fits, its shape kept. */
  readonly largest?: { readonly width: number; readonly height: number };
}

/** What an X display shows, the pointer drawn in. Throws SCREEN_UNAVAILABLE, SCREEN_UNSUITABLE and, later, SCREEN_LOST. */
export interface ScreenCapture {
  /** What it showed when it was opened: even, 0 while a window is hidden. */
  readonly width: number;
  readonly height: number;
  /** Whether the last picture came through memory shared with the X server. */
  readonly shared: boolean;
  /**
   * Writes what is shown now into `out`, as I420 without gaps, and its width and height into `size`. Returns the bytes
   * written, 0 when there is nothing to see (a window is hidden).
   */
  capture(out: Uint8Array, size: Int32Array): number;
  close(): void;
}

export interface SctpAssociationOptions {
  /** Our port in the SCTP header (RFC 8841 §5); 5000 by default. */
  readonly port?: number;
  /** The peer's; as ours by default. */
  readonly remotePort?: number;
  /** Largest packet handed out, so that it fits a datagram after DTLS; 1160 by default. */
  readonly maxPacketBytes?: number;
  /** Largest message that is taken in; 1 MiB by default. */
  readonly maxMessageBytes?: number;
  /** What the send buffer holds, sent or not, until it is acknowledged; 16 MiB by default. */
  readonly sendBufferBytes?: number;
  /** The receive window that the peer is told; 4 MiB by default. */
  readonly receiveWindowBytes?: number;
  /** Streams each way; 1024 by default. */
  readonly streams?: number;
}

/** Limits of one message (RFC 8831 §6.1); at most one of the two numbers. Reliable and ordered by default. */
export interface SctpSendOptions {
  readonly ordered?: boolean;
  readonly maxRetransmits?: number;
  readonly maxLifetimeMs?: number;
}

/** What {@link SctpAssociation.takeEvent} returns. */
export const SctpEvent = {
  /** `out` is too small for the next message; `words[0]` is its size. Nothing was taken. */
  tooSmall: -1,
  none: 0,
  connected: 1,
  /** `words`: bytes of the reason in `out` (none: it was asked for here), cause code of an ABORT (0: none). */
  closed: 2,
  /** `words`: bytes in `out`, stream id, payload protocol identifier. */
  message: 3,
  /** The peer reset its side of streams: `words[0]` 16-bit ids in `out`, machine byte order. */
  streamsReset: 4,
} as const;

/**
 * One SCTP association over DTLS (RFC 8261, RFC 9260) by usrsctp, packets in and out as bytes. Threads that have some share
 * usrsctp behind one lock (docs/decisions/0085-threads-share-usrsctp.md).
 */
export interface SctpAssociation {
  readonly state: "new" | "connecting" | "connected" | "closed";
  /** Sends INIT; both ends do. */
  connect(): void;
  handlePacket(packet: Uint8Array): void;
  /** The next packet to send into `out`; 0: none. */
  takePacket(out: Uint8Array): number;
  /**
   * Takes the DTLS datagrams at the head of entries [first, first+count); returns how many those are. Stops at the
   * first that is no DTLS, and when `dtls` is no longer connected.
   */
  receiveRecords(
    dtls: DtlsTransport,
    slab: Uint8Array,
    table: Int32Array,
    first: number,
    count: number,
    nowUs: number,
  ): number;
  /**
   * Protects the packets that wait, as many as `slab` and `table` have room for; writes offset and length of each
   * datagram and returns how many.
   */
  protectPackets(dtls: DtlsTransport, slab: Uint8Array, table: Int32Array): number;
  /** Messages given to `send` of which a part was never sent yet; they leave in the order of the calls. */
  readonly pendingMessages: number;
  /** False: the buffer is full, try again when packets have come in. Throws SCTP_STATE, SCTP_SEND. */
  send(streamId: number, payloadProtocol: number, bytes: Uint8Array, options?: SctpSendOptions): boolean;
  /** Resets our side of the stream once what was sent on it is through (RFC 6525). */
  resetStream(streamId: number): void;
  /** The next event, see {@link SctpEvent}; `words` has room for three. */
  takeEvent(out: Uint8Array, words: Int32Array): number;
  /** Says ABORT; packets that wait can still be taken. */
  abort(): void;
  /** Aborts and frees. */
  close(): void;
}

export interface NativeAddon {
  monotonicUs(): number;
  threadCpuUs(): number;
  setThreadName(name: string): void;
  /** Wakes the poller that owns the eventfd. Stop ringing before the poller is closed: descriptors are reused. */
  ringDoorbell(fd: number): void;
  /** Has the callback of that {@link Waker} called soon, in its own thread; nothing when it is closed. */
  wake(id: number): void;

  /**
   * Converts `source` to the target's format: any to I420, I420 to any but MJPG; same size, odd sizes too. RGB is BT.601
   * in video range; a JPEG's full-range samples become video range. Throws OUT_OF_RANGE (a plane leaves its buffer;
   * nothing was touched), SIZE_MISMATCH, UNSUPPORTED_CONVERSION or DAMAGED_IMAGE.
   */
  convertImage(
    source: Uint8Array,
    sourceLayout: ImageLayout,
    target: Uint8Array,
    targetLayout: ImageLayout,
  ): void;
  /** Scales I420 to I420; "box" becomes "bilinear" where one pixel would stand for more than 256. */
  scaleImage(
    source: Uint8Array,
    sourceLayout: ImageLayout,
    target: Uint8Array,
    targetLayout: ImageLayout,
    filter: ScaleFilter,
  ): void;

  H264Encoder: new (options: H264EncoderOptions) => VideoEncoder;
  H264Decoder: new (options?: { readonly libraryPath?: string }) => VideoDecoder;
  Vp8Encoder: new (options: Vp8EncoderOptions) => VideoEncoder;
  Vp8Decoder: new () => VideoDecoder;
  /** Version of the OpenH264 library that was loaded, such as "2.3.1". */
  openH264Version(libraryPath?: string): string;
  OpusEncoder: new (options: OpusEncoderOptions) => OpusEncoder;
  OpusDecoder: new (options: { readonly sampleRate: number; readonly channels: 1 | 2 }) => OpusDecoder;
  SrtpContext: new (options: {
    readonly profile: SrtpProfile;
    readonly masterKey: Uint8Array;
    readonly masterSalt: Uint8Array;
    /** Replay window in packets (RFC 3711 §3.3.2), 64 at least; 1024 by default. */
    readonly replayWindow?: number;
  }) => SrtpContext;
  UdpSocket: { bind(options: UdpBindOptions): UdpSocket; attach(fd: number): UdpSocket };
  UdpPoller: new () => UdpPoller;
  /** @param callback is called once or more after `wake` */
  Waker: new (
    callback: () => void,
  ) => Waker;
  StreamSocket: {
    connect(options: StreamConnectOptions): StreamSocket;
    /** Another thread's connection, to send on. */
    attach(handle: number): StreamSocket;
    /** The next connection that waits at `listener`; null when none does. */
    accept(listener: StreamListener): StreamSocket | null;
  };
  StreamListener: {
    /** @param options `port` 0: any; `backlog` is how many connections may wait to be accepted. */
    listen(options: {
      readonly address: string;
      readonly port: number;
      readonly backlog: number;
      readonly framing: "turn" | "rfc4571";
    }): StreamListener;
  };
  Certificate: {
    generate(options?: {
      readonly commonName?: string;
      readonly days?: number;
      /** Instead of days; 0: expired at once. */
      readonly seconds?: number;
      /** PKCS #8 of a key pair made elsewhere; a new one on P-256 by default. */
      readonly privateKeyPem?: string;
      readonly subjectAltNames?: readonly string[];
    }): Certificate;
    fromPem(certificatePem: string, privateKeyPem: string): Certificate;
  };
  DtlsTransport: new (options: DtlsTransportOptions) => DtlsTransport;
  SctpAssociation: new (options?: SctpAssociationOptions) => SctpAssociation;
  /**
   * Advances the timers of all associations of the process; every thread that has some calls it every 10 ms or so with the
   * time that passed, and one of them is obeyed.
   */
  sctpHandleTimers(elapsedMs: number): void;
  V4l2Capture: { open(path: string, request: V4l2FormatRequest): V4l2Capture };
  ScreenCapture: new (options: ScreenCaptureOptions) => ScreenCapture;
}

/** This file runs from dist/native, the addon lies in build/Release. */
const addonPath = fileURLToPath(new URL("../../build/Release/roomrtc.node", import.meta.url));

export const native: NativeAddon = createRequire(import.meta.url)(addonPath);
