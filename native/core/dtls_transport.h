// DTLS 1.2 (RFC 6347) with use_srtp (RFC 5764), without sockets or clocks.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "certificate.h"
#include "datagram_bio.h"
#include "openssl_handles.h"
#include "srtp_profile.h"

namespace roomrtc {

struct DtlsOptions {
  enum class Role { kClient, kServer };
  Role role = Role::kClient;
  size_t mtu = 1200;
  /// In order of preference; empty: no use_srtp.
  std::vector<SrtpProfile> srtpProfiles{SrtpProfile::kAeadAes128Gcm, SrtpProfile::kAeadAes256Gcm,
                                        SrtpProfile::kAes128CmSha1_80};
  double retransmitUs = 50e3;
  /// From start to failure when the peer never answers or never finishes.
  double handshakeTimeoutUs = 30e6;
};

/// One association. Network input never throws: it is dropped, or fails the association with a reason.
///
/// The peer must present a certificate but any is accepted here: the caller compares remoteFingerprint with
/// the one from signaling before it uses a key (RFC 8827 §6.5).
///
/// OpenSSL's clock is a logical one: it stands still but for handleTimeout, where it jumps to the timer's
/// end. So a timer can neither fire early nor be missed, whatever the times the caller passes.
class DtlsTransport {
 public:
  enum class State { kNew, kConnecting, kConnected, kClosed, kFailed };

  static constexpr size_t kMinMtu = 256;
  static constexpr size_t kMaxMtu = 4096;           // OpenSSL gathers a flight in a buffer of this size
  static constexpr double kMinRetransmitUs = 20e3;  // OpenSSL takes 15 ms before the end for the end
  static constexpr double kMaxRetransmitUs = 60e6;
  static constexpr size_t kMaxApplicationData = 16384;

  DtlsTransport(const DtlsOptions& options, const Certificate& certificate);
  DtlsTransport(const DtlsTransport&) = delete;
  DtlsTransport& operator=(const DtlsTransport&) = delete;

  State state() const { return state_; }
  const std::string& failure() const { return failure_; }

  void Start(double nowUs);
  void HandleDatagram(std::span<const uint8_t> datagram, double nowUs);
  void HandleTimeout(double nowUs);
  /// Infinity when no timer runs.
  double NextDeadlineUs() const;
  size_t TakeDatagram(std::span<uint8_t> out);
  /// Queues close_notify; what arrives later is ignored.
  void Close();

  /// "" before the peer's certificate is known.
  std::string RemoteFingerprint(const std::string& algorithm) const;
  /// The peer's certificate in DER; empty before it is known.
  std::vector<uint8_t> RemoteCertificate() const;
  std::optional<SrtpProfile> srtpProfile() const;
  /// "" before the association is connected.
  std::string Cipher() const;
  /// RFC 5705, without context; throws CodedError("INVALID_STATE") before the association is connected.
  std::vector<uint8_t> ExportKeyingMaterial(const std::string& label, size_t length) const;
  /// Sends one record; throws CodedError("INVALID_STATE") unless connected.
  void SendApplicationData(std::span<const uint8_t> data);
  size_t TakeApplicationData(std::span<uint8_t> out);
  std::optional<std::vector<uint8_t>> TakeApplicationData();
  /// Datagrams of application data dropped because nobody took them.
  uint64_t droppedApplicationData() const { return droppedApplicationData_; }
  /// Datagrams that OpenSSL never saw, as their records cannot be what they claim.
  uint64_t droppedDatagrams() const { return droppedDatagrams_; }

 private:
  static constexpr size_t kMaxQueuedApplicationData = 1024;

  static unsigned NextRetransmission(SSL* ssl, unsigned currentUs);
  static void NoteAlert(const SSL* ssl, int where, int value);
  static DtlsTransport& Of(const SSL* ssl);

  void Configure(const Certificate& certificate);
  void Handshake();
  void ReadApplicationData();
  void Fail(const std::string& why);
  void FailWithReason();
  void NoteTimer(double nowUs);
  size_t LeastCipheredBytes() const;

  const DtlsOptions options_;
  DatagramPort port_;  // before ssl_, whose BIO points here
  SslHandle ssl_;
  State state_ = State::kNew;
  std::string failure_;
  std::string alert_;
  timeval clock_{.tv_sec = 1, .tv_usec = 0};  // OpenSSL's logical now
  uint64_t notedTimerChanges_ = 0;
  double retransmitAtUs_;
  double giveUpAtUs_;
  std::deque<std::vector<uint8_t>> applicationData_;
  uint64_t droppedApplicationData_ = 0;
  uint64_t droppedDatagrams_ = 0;
};

}  // namespace roomrtc
