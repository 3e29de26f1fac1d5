#include "dtls_transport.h"

#include <openssl/err.h>
#include <openssl/srtp.h>

#include <algorithm>
#include <array>
#include <limits>

#include "coded_error.h"
#include "dtls_clock.h"
#include "dtls_record.h"

namespace roomrtc {

namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();
constexpr unsigned kLongestRetransmissionUs = 3'200'000;
constexpr long kMaxCertificateChain = 16 * 1024;

// RFC 8827 §6.5: ECDHE with AEAD. Our own certificates are ECDSA; a peer's may be RSA.
constexpr const char* kCiphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* kGroups = "X25519:P-256:P-384";

double Difference(const timeval& later, const timeval& earlier) {
  return static_cast<double>(later.tv_sec - earlier.tv_sec) * 1e6 +
         static_cast<double>(later.tv_usec - earlier.tv_usec);
}

/// OpenSSL names the profiles with the prefix.
std::string UseSrtpList(const std::vector<SrtpProfile>& profiles) {
  std::string list;
  for (const SrtpProfile profile : profiles) {
    if (!list.empty()) list += ':';
    list += "SRTP_" + std::string(SizesOf(profile).name);
  }
  return list;
}

/// Any certificate will do at this point; that its holder has the key is proven by the handshake itself.
int AcceptCertificate(X509_STORE_CTX*, void*) { return 1; }

SslContextHandle MakeContext() {
  SslContextHandle handle(SSL_CTX_new(DTLS_method()));
  SSL_CTX* context = handle.get();
  CheckOpenSsl(context && SSL_CTX_set_min_proto_version(context, DTLS1_2_VERSION) == 1 &&
                   SSL_CTX_set_max_proto_version(context, DTLS1_2_VERSION) == 1 &&
                   SSL_CTX_set_cipher_list(context, kCiphers) == 1 &&
                   SSL_CTX_set1_groups_list(context, kGroups) == 1,
               "DTLS set-up");
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET | SSL_OP_NO_QUERY_MTU |
                                   SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  SSL_CTX_set_cert_verify_callback(context, AcceptCertificate, nullptr);
  SSL_CTX_set_max_cert_list(context, kMaxCertificateChain);
  SSL_CTX_set_read_ahead(context, 1);
  // An association that rests keeps no record buffers.
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  return handle;
}

/// What all associations have in common: OpenSSL looks up every algorithm it knows to make one, so there is
/// one for the process. Nobody changes it once it is made, so any thread may use it; it is never destroyed,
/// as worker threads may still run when the process ends.
SSL_CTX* SharedContext() {
  static SSL_CTX* const context = MakeContext().release();
  return context;
}

}  // namespace

DtlsTransport::DtlsTransport(const DtlsOptions& options, const Certificate& certificate)
    : options_(options), port_(options.mtu), retransmitAtUs_(kNever), giveUpAtUs_(kNever) {
  PrepareOpenSsl();
  ERR_clear_error();
  Configure(certificate);
}

void DtlsTransport::Configure(const Certificate& certificate) {
  ssl_.reset(SSL_new(SharedContext()));
  SSL* ssl = ssl_.get();
  CheckOpenSsl(ssl && SSL_use_certificate(ssl, certificate.x509()) == 1 &&
                   SSL_use_PrivateKey(ssl, certificate.privateKey()) == 1 &&
                   SSL_set_app_data(ssl, this) == 1 && SSL_set_mtu(ssl, static_cast<long>(options_.mtu)) != 0,
               "DTLS set-up");
  if (!options_.srtpProfiles.empty()) {
    // This function alone returns 0 for success.
    CheckOpenSsl(SSL_set_tlsext_use_srtp(ssl, UseSrtpList(options_.srtpProfiles).c_str()) == 0,
                 "use_srtp set-up");
  }
  SSL_set_info_callback(ssl, NoteAlert);
  DTLS_set_timer_cb(ssl, NextRetransmission);
  BIO* bio = port_.CreateBio();
  SSL_set_bio(ssl, bio, bio);
  if (options_.role == DtlsOptions::Role::kClient) {
    SSL_set_connect_state(ssl);
  } else {
    SSL_set_accept_state(ssl);
  }
}

DtlsTransport& DtlsTransport::Of(const SSL* ssl) {
  return *static_cast<DtlsTransport*>(SSL_get_app_data(ssl));
}

/// RFC 6347 §4.2.4.1, with the short start that media needs.
unsigned DtlsTransport::NextRetransmission(SSL* ssl, unsigned currentUs) {
  const unsigned first = static_cast<unsigned>(Of(ssl).options_.retransmitUs);
  if (currentUs == 0) return first;
  return std::max(first, std::min(currentUs * 2, kLongestRetransmissionUs));
}

void DtlsTransport::NoteAlert(const SSL* ssl, int where, int value) {
  if (!(where & SSL_CB_ALERT) || value >> 8 != SSL3_AL_FATAL) return;
  const char* direction = where & SSL_CB_READ ? "the peer sent" : "we sent";
  Of(ssl).alert_ = std::string(direction) + " the alert \"" + SSL_alert_desc_string_long(value) + "\"";
}

void DtlsTransport::Start(double nowUs) {
  if (state_ != State::kNew) return;
  state_ = State::kConnecting;
  giveUpAtUs_ = nowUs + options_.handshakeTimeoutUs;
  const DtlsClockScope clock(clock_);
  Handshake();
  NoteTimer(nowUs);
}

void DtlsTransport::HandleDatagram(std::span<const uint8_t> datagram, double nowUs) {
  if ((state_ != State::kConnecting && state_ != State::kConnected) || datagram.empty()) return;
  if (!HasSoundRecords(datagram, LeastCipheredBytes())) {
    ++droppedDatagrams_;
    return;
  }
  const DtlsClockScope clock(clock_);
  port_.Offer(datagram);
  if (state_ == State::kConnecting) Handshake();
  // The last flight's datagram may carry application data too.
  if (state_ == State::kConnected) ReadApplicationData();
  port_.Withdraw();
  NoteTimer(nowUs);
}

/// Explicit nonce and tag (RFC 5288 §3, RFC 7905 §2). While the cipher is not known the larger one counts:
/// what is ciphered in a handshake is a Finished message, which is longer, or an alert, which repeats as
/// silence.
size_t DtlsTransport::LeastCipheredBytes() const {
  constexpr size_t kGcm = 8 + 16;
  constexpr size_t kChaCha20Poly1305 = 16;
  if (state_ != State::kConnected) return kGcm;
  const SSL_CIPHER* cipher = SSL_get_current_cipher(ssl_.get());
  return cipher && SSL_CIPHER_get_cipher_nid(cipher) == NID_chacha20_poly1305 ? kChaCha20Poly1305 : kGcm;
}

void DtlsTransport::HandleTimeout(double nowUs) {
  if (state_ == State::kConnecting && nowUs >= giveUpAtUs_) {
    Fail("the handshake did not finish in " +
         std::to_string(static_cast<long>(options_.handshakeTimeoutUs / 1e3)) + " ms");
    return;
  }
  if (nowUs < retransmitAtUs_ || !port_.timer()) return;
  clock_ = *port_.timer();
  const DtlsClockScope clock(clock_);
  ERR_clear_error();
  if (DTLSv1_handle_timeout(ssl_.get()) < 0) FailWithReason();
  NoteTimer(nowUs);
}

double DtlsTransport::NextDeadlineUs() const {
  return std::min(retransmitAtUs_, state_ == State::kConnecting ? giveUpAtUs_ : kNever);
}

/// Carries a timer OpenSSL set since the last call over to the caller's time line.
void DtlsTransport::NoteTimer(double nowUs) {
  if (state_ != State::kConnecting && state_ != State::kConnected) return;
  if (port_.timerChanges() == notedTimerChanges_) return;
  notedTimerChanges_ = port_.timerChanges();
  retransmitAtUs_ = port_.timer() ? nowUs + Difference(*port_.timer(), clock_) : kNever;
}

void DtlsTransport::Handshake() {
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  if (result == 1) {
    state_ = State::kConnected;
    return;
  }
  const int error = SSL_get_error(ssl_.get(), result);
  if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) FailWithReason();
}

void DtlsTransport::ReadApplicationData() {
  std::array<uint8_t, kMaxApplicationData> record;
  for (;;) {
    ERR_clear_error();
    const int size = SSL_read(ssl_.get(), record.data(), static_cast<int>(record.size()));
    if (size <= 0) {
      const int error = SSL_get_error(ssl_.get(), size);
      if (error == SSL_ERROR_ZERO_RETURN) return Close();
      if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) FailWithReason();
      return;
    }
    if (applicationData_.size() < kMaxQueuedApplicationData) {
      applicationData_.emplace_back(record.begin(), record.begin() + size);
    } else {
      ++droppedApplicationData_;
    }
  }
}

void DtlsTransport::Fail(const std::string& why) {
  state_ = State::kFailed;
  failure_ = why;
  retransmitAtUs_ = kNever;
}

/// OpenSSL's own reason, and the alert that went with it.
void DtlsTransport::FailWithReason() {
  const std::string reason = TakeOpenSslErrors("no reason given");
  Fail(reason + (alert_.empty() ? "" : " (" + alert_ + ")"));
}

size_t DtlsTransport::TakeDatagram(std::span<uint8_t> out) {
  if (port_.pendingBytes() > out.size()) {
    throw CodedError("OUT_OF_RANGE", "takeDatagram: out must hold " + std::to_string(port_.pendingBytes()) +
                                         " bytes, found " + std::to_string(out.size()));
  }
  return port_.Take(out);
}

void DtlsTransport::Close() {
  if (state_ == State::kConnected) {
    const DtlsClockScope clock(clock_);
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
    ERR_clear_error();
  }
  if (state_ != State::kFailed) state_ = State::kClosed;
  retransmitAtUs_ = kNever;
}

std::string DtlsTransport::RemoteFingerprint(const std::string& algorithm) const {
  const X509Handle peer(SSL_get1_peer_certificate(ssl_.get()));
  return peer ? FingerprintOf(peer.get(), algorithm) : "";
}

std::vector<uint8_t> DtlsTransport::RemoteCertificate() const {
  const X509Handle peer(SSL_get1_peer_certificate(ssl_.get()));
  const int size = peer ? i2d_X509(peer.get(), nullptr) : 0;
  if (size <= 0) return {};
  std::vector<uint8_t> der(static_cast<size_t>(size));
  uint8_t* at = der.data();
  CheckOpenSsl(i2d_X509(peer.get(), &at) == size, "peer certificate");
  return der;
}

std::optional<SrtpProfile> DtlsTransport::srtpProfile() const {
  const SRTP_PROTECTION_PROFILE* selected = SSL_get_selected_srtp_profile(ssl_.get());
  if (state_ != State::kConnected || !selected) return std::nullopt;
  switch (selected->id) {
    case SRTP_AEAD_AES_128_GCM:
      return SrtpProfile::kAeadAes128Gcm;
    case SRTP_AEAD_AES_256_GCM:
      return SrtpProfile::kAeadAes256Gcm;
    case SRTP_AES128_CM_SHA1_80:
      return SrtpProfile::kAes128CmSha1_80;
    default:
      return std::nullopt;
  }
}

std::string DtlsTransport::Cipher() const {
  const SSL_CIPHER* cipher = SSL_get_current_cipher(ssl_.get());
  if (state_ != State::kConnected || !cipher) return "";
  return std::string(SSL_get_version(ssl_.get())) + " " + SSL_CIPHER_get_name(cipher);
}

std::vector<uint8_t> DtlsTransport::ExportKeyingMaterial(const std::string& label, size_t length) const {
  if (state_ != State::kConnected) {
    throw CodedError("INVALID_STATE", "exportKeyingMaterial: the association is not connected");
  }
  std::vector<uint8_t> material(length);
  CheckOpenSsl(SSL_export_keying_material(ssl_.get(), material.data(), length, label.data(), label.size(),
                                          nullptr, 0, 0) == 1,
               "keying material export");
  return material;
}

void DtlsTransport::SendApplicationData(std::span<const uint8_t> data) {
  if (state_ != State::kConnected) {
    throw CodedError("INVALID_STATE", "sendApplicationData: the association is not connected");
  }
  const DtlsClockScope clock(clock_);
  ERR_clear_error();
  const int sent = SSL_write(ssl_.get(), data.data(), static_cast<int>(data.size()));
  CheckOpenSsl(sent == static_cast<int>(data.size()), "DTLS record");
}

size_t DtlsTransport::TakeApplicationData(std::span<uint8_t> out) {
  if (applicationData_.empty()) return 0;
  if (applicationData_.front().size() > out.size()) {
    throw CodedError("OUT_OF_RANGE", "takeApplicationData: out must hold " +
                                         std::to_string(applicationData_.front().size()) + " bytes, found " +
                                         std::to_string(out.size()));
  }
  const std::vector<uint8_t> record = *TakeApplicationData();
  std::copy(record.begin(), record.end(), out.begin());
  return record.size();
}

std::optional<std::vector<uint8_t>> DtlsTransport::TakeApplicationData() {
  if (applicationData_.empty()) return std::nullopt;
  std::vector<uint8_t> record = std::move(applicationData_.front());
  applicationData_.pop_front();
  return record;
}

}  // namespace roomrtc
