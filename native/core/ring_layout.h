// Made by scripts/generate-layout.mjs from src/media/ring/layout.ts and native/addon.ts. Do not edit.
#pragma once

#include <cstdint>

namespace roomrtc::layout {

inline constexpr int32_t kCacheLineBytes = 64;
inline constexpr int32_t kRingMagic = 826756690;
inline constexpr int32_t kDescriptorWords = 32;

namespace ring {
inline constexpr int32_t kMagic = 0;
inline constexpr int32_t kCapacity = 1;
inline constexpr int32_t kRecordWords = 2;
inline constexpr int32_t kHead = 16;
inline constexpr int32_t kTail = 32;
inline constexpr int32_t kData = 48;
}  // namespace ring

namespace descriptor_word {
inline constexpr int32_t kSlot = 0;
inline constexpr int32_t kGeneration = 1;
inline constexpr int32_t kByteLength = 2;
inline constexpr int32_t kFlags = 3;
inline constexpr int32_t kWidth = 4;
inline constexpr int32_t kHeight = 5;
inline constexpr int32_t kStrideY = 6;
inline constexpr int32_t kStrideU = 7;
inline constexpr int32_t kStrideV = 8;
inline constexpr int32_t kOffsetY = 9;
inline constexpr int32_t kOffsetU = 10;
inline constexpr int32_t kOffsetV = 11;
inline constexpr int32_t kStreamId = 12;
inline constexpr int32_t kFrameNumber = 13;
inline constexpr int32_t kRtpTimestamp = 14;
inline constexpr int32_t kTag = 15;
}  // namespace descriptor_word

namespace descriptor_float {
inline constexpr int32_t kCaptureTimeUs = 8;
inline constexpr int32_t kEnqueuedUs = 9;
inline constexpr int32_t kArrivalUs = 10;
inline constexpr int32_t kCompleteUs = 11;
inline constexpr int32_t kPlayoutUs = 12;
inline constexpr int32_t kCaptureWallUs = 13;
inline constexpr int32_t kDurationUs = 14;
inline constexpr int32_t kCodec = 15;
}  // namespace descriptor_float

namespace descriptor_flag {
inline constexpr int32_t kKeyframe = 1;
inline constexpr int32_t kMarker = 4;
inline constexpr int32_t kQuarterTurn = 8;
inline constexpr int32_t kAudioLevel = 256;
inline constexpr int32_t kQuantizer = 256;
inline constexpr int32_t kPacket = 65536;
}  // namespace descriptor_flag

namespace doorbell {
inline constexpr int32_t kSequence = 0;
inline constexpr int32_t kWaiting = 1;
inline constexpr int32_t kEventFd = 2;
inline constexpr int32_t kControl = 3;
inline constexpr int32_t kWords = 16;
}  // namespace doorbell

namespace slot_state {
inline constexpr int32_t kFree = 0;
inline constexpr int32_t kProducer = 1;
inline constexpr int32_t kQueued = 2;
inline constexpr int32_t kConsumer = 3;
}  // namespace slot_state

namespace datagram_table {
inline constexpr int32_t kOffset = 0;
inline constexpr int32_t kLength = 1;
inline constexpr int32_t kFamily = 2;
inline constexpr int32_t kPort = 3;
inline constexpr int32_t kAddress = 4;
inline constexpr int32_t kArrival = 8;
inline constexpr int32_t kScopeId = 10;
inline constexpr int32_t kFlags = 11;
inline constexpr int32_t kWords = 12;
}  // namespace datagram_table

}  // namespace roomrtc::layout
