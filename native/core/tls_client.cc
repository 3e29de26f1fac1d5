#include "tls_client.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <array>
#include <cstdlib>
#include <filesystem>

#include "coded_error.h"

namespace roomrtc {

namespace {

/// A folder of certificates named by their hash is looked at only as needed; a bundle is read whole.
constexpr const char* kCaFolder = "/etc/ssl/certs";
constexpr std::array kCaBundles = {
    "/etc/ssl/certs/ca-certificates.crt",  // Debian, Alpine, Arch
    "/etc/pki/tls/certs/ca-bundle.crt",    // Fedora, RHEL
    "/etc/ssl/ca-bundle.pem",              // SUSE
    "/etc/ssl/cert.pem",
};

/// Whether the folder has certificates under the hash of their subject ("002c0b4f.0").
bool IsHashed(const char* folder) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename();
    if (name.size() == 10 && name.ends_with(".0")) return true;
  }
  return false;
}

/// What OpenSSL's own programs trust: SSL_CERT_FILE and SSL_CERT_DIR, else the system's store.
void TrustSystem(SSL_CTX* context) {
  const char* file = std::getenv(X509_get_default_cert_file_env());
  const char* folder = std::getenv(X509_get_default_cert_dir_env());
  if (file || folder) {
    if (file) SSL_CTX_load_verify_file(context, file);
    if (folder) SSL_CTX_load_verify_dir(context, folder);
  } else if (IsHashed(kCaFolder)) {
    SSL_CTX_load_verify_dir(context, kCaFolder);
  } else {
    for (const char* bundle : kCaBundles) {
      if (SSL_CTX_load_verify_file(context, bundle) == 1) break;
    }
  }
  ERR_clear_error();
}

void TrustToo(SSL_CTX* context, const std::string& pem) {
  if (pem.empty()) return;
  const BioHandle text(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  int taken = 0;
  while (const X509Handle certificate{PEM_read_bio_X509(text.get(), nullptr, nullptr, nullptr)}) {
    taken += X509_STORE_add_cert(store, certificate.get());
  }
  ERR_clear_error();
  if (taken == 0) {
    throw CodedError("INVALID_ARGUMENT", "the additional certificate authorities hold no PEM certificate");
  }
}

bool IsAddress(const std::string& text) {
  std::array<uint8_t, 16> room{};
  return inet_pton(AF_INET, text.c_str(), room.data()) == 1 ||
         inet_pton(AF_INET6, text.c_str(), room.data()) == 1;
}

/// RFC 9525: names are compared with the subject's alternative names; an address with those of its kind.
bool ExpectName(SSL* ssl, const std::string& name) {
  if (IsAddress(name)) return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name.c_str()) == 1;
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  return SSL_set1_host(ssl, name.c_str()) == 1 && SSL_set_tlsext_host_name(ssl, name.c_str()) == 1;
}

}  // namespace

TlsClient::TlsClient(const TlsOptions& options) : serverName_(options.serverName) {
  PrepareOpenSsl();
  ERR_clear_error();
  context_.reset(SSL_CTX_new(TLS_client_method()));
  SSL_CTX* context = context_.get();
  CheckOpenSsl(context && SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1, "TLS set-up");
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  TrustSystem(context);
  TrustToo(context, options.extraCaPem);
  ssl_.reset(SSL_new(context));
  in_ = BIO_new(BIO_s_mem());
  out_ = BIO_new(BIO_s_mem());
  CheckOpenSsl(ssl_ && in_ && out_ && ExpectName(ssl_.get(), serverName_), "TLS set-up");
  // Nothing there is "later", not the end.
  BIO_set_mem_eof_return(in_, -1);
  SSL_set_bio(ssl_.get(), in_, out_);
  SSL_set_connect_state(ssl_.get());
}

void TlsClient::Handshake() {
  if (connected_ || !failure_.empty()) return;
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  if (result == 1) {
    connected_ = true;
  } else if (SSL_get_error(ssl_.get(), result) != SSL_ERROR_WANT_READ) {
    Fail("the TLS handshake failed");
  }
}

void TlsClient::Fail(const char* fallback) {
  const long verdict = SSL_get_verify_result(ssl_.get());
  if (!connected_ && verdict != X509_V_OK) {
    failure_ = "the certificate of " + serverName_ + " is refused: " + X509_verify_cert_error_string(verdict);
    ERR_clear_error();
  } else {
    failure_ = std::string("TLS with ") + serverName_ + ": " + TakeOpenSslErrors(fallback);
  }
}

void TlsClient::Feed(std::span<const uint8_t> bytes) {
  BIO_write(in_, bytes.data(), static_cast<int>(bytes.size()));
}

size_t TlsClient::Read(std::span<uint8_t> room) {
  if (!connected_ || room.empty() || !failure_.empty()) return 0;
  ERR_clear_error();
  size_t read = 0;
  if (SSL_read_ex(ssl_.get(), room.data(), room.size(), &read) == 1) return read;
  const int error = SSL_get_error(ssl_.get(), 0);
  if (error == SSL_ERROR_ZERO_RETURN) {
    ended_ = true;
  } else if (error != SSL_ERROR_WANT_READ) {
    Fail("the TLS connection broke");
  }
  return 0;
}

void TlsClient::Write(std::span<const uint8_t> bytes) {
  if (!connected_ || bytes.empty() || !failure_.empty()) return;
  ERR_clear_error();
  size_t written = 0;
  // Into memory it never has to wait.
  if (SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &written) != 1) Fail("the TLS connection broke");
}

void TlsClient::TakeOutput(std::vector<uint8_t>& out) {
  const size_t pending = BIO_ctrl_pending(out_);
  if (pending == 0) return;
  const size_t before = out.size();
  out.resize(before + pending);
  const int taken = BIO_read(out_, out.data() + before, static_cast<int>(pending));
  out.resize(before + static_cast<size_t>(taken > 0 ? taken : 0));
}

void TlsClient::Close() {
  if (!connected_ || !failure_.empty()) return;
  SSL_shutdown(ssl_.get());
  ERR_clear_error();
}

}  // namespace roomrtc
