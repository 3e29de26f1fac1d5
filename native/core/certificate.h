// X.509 certificates with their private keys, as DTLS and the signaling server present them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "openssl_handles.h"

namespace roomrtc {

struct CertificateRequest {
  std::string commonName;
  int64_t validSeconds = 30 * 24 * 60 * 60;
  /// PKCS #8 of a key pair made elsewhere; empty: a new one on P-256.
  std::string privateKeyPem;
  /// Host names and numeric addresses.
  std::vector<std::string> subjectAltNames;
  /// Seconds since 1970: now. Validity starts a day earlier, for peers whose clock is behind.
  int64_t nowSeconds = 0;
};

/// Immutable; copies share the certificate and the key, from any thread.
class Certificate {
 public:
  /// A key pair, by default a new one on P-256, and a certificate it signs itself (RFC 8827 §6.5). Throws
  /// CodedError("INVALID_CERTIFICATE") for a key that cannot be read.
  static Certificate Generate(const CertificateRequest& request);
  /// The first certificate of the PEM text and its key; throws CodedError("INVALID_CERTIFICATE"). What a
  /// living Certificate of this process gave out is found again without parsing, which takes OpenSSL
  /// a millisecond: every connection's thread gets its certificate this way.
  static Certificate FromPem(const std::string& certificatePem, const std::string& privateKeyPem);

  X509* x509() const { return certificate_.get(); }
  EVP_PKEY* privateKey() const { return key_.get(); }
  std::string CertificatePem() const;
  /// PKCS #8.
  std::string PrivateKeyPem() const;
  /// Milliseconds since 1970.
  double ExpiresMs() const;

 private:
  Certificate(std::shared_ptr<X509> certificate, std::shared_ptr<EVP_PKEY> key);

  std::shared_ptr<X509> certificate_;
  std::shared_ptr<EVP_PKEY> key_;
};

/// RFC 8122 §5: hash of the DER form as upper-case hex pairs joined by colons. `algorithm` is sha-1, sha-224,
/// sha-256, sha-384 or sha-512 in any case; throws CodedError("OUT_OF_RANGE") for others.
std::string FingerprintOf(const X509* certificate, const std::string& algorithm);

}  // namespace roomrtc
