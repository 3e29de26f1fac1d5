// The client's end of TLS over memory (RFC 8446, RFC 5246): bytes in, bytes out.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "openssl_handles.h"

namespace roomrtc {

struct TlsOptions {
  /// The name or address that the server's certificate must be for.
  std::string serverName;
  /// PEM certificates trusted beside the system's; "" for none.
  std::string extraCaPem;
};

/// Not for two threads at once. TLS 1.2 or newer; the chain must lead to a trusted authority.
class TlsClient {
 public:
  /// Throws CodedError INVALID_ARGUMENT for certificates that cannot be read, CRYPTO_FAILURE.
  explicit TlsClient(const TlsOptions& options);

  bool connected() const { return connected_; }
  /// Why TLS failed; "" while it has not.
  const std::string& failure() const { return failure_; }
  /// The server said close_notify.
  bool ended() const { return ended_; }

  /// Begins or goes on with the handshake; call it first and after every Feed until `connected`.
  void Handshake();
  /// Takes what came from the server.
  void Feed(std::span<const uint8_t> bytes);
  /// Decrypted bytes into `room`; how many, 0 when there are none.
  size_t Read(std::span<uint8_t> room);
  void Write(std::span<const uint8_t> bytes);
  /// Appends what is to be sent to `out`.
  void TakeOutput(std::vector<uint8_t>& out);
  void Close();

 private:
  void Fail(const char* fallback);

  std::string serverName_;
  SslContextHandle context_;
  SslHandle ssl_;
  BIO* in_ = nullptr;   // belongs to ssl_
  BIO* out_ = nullptr;  // belongs to ssl_
  bool connected_ = false;
  bool ended_ = false;
  std::string failure_;
};

}  // namespace roomrtc
