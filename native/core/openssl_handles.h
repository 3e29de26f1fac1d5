// Owning handles for OpenSSL's objects and the one place that prepares the library.
#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

namespace roomrtc {

template <auto Free>
struct OpenSslDeleter {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};

using CipherContextHandle = std::unique_ptr<EVP_CIPHER_CTX, OpenSslDeleter<EVP_CIPHER_CTX_free>>;
using PrivateKeyHandle = std::unique_ptr<EVP_PKEY, OpenSslDeleter<EVP_PKEY_free>>;
using X509Handle = std::unique_ptr<X509, OpenSslDeleter<X509_free>>;
using SslContextHandle = std::unique_ptr<SSL_CTX, OpenSslDeleter<SSL_CTX_free>>;
using SslHandle = std::unique_ptr<SSL, OpenSslDeleter<SSL_free>>;
using BioHandle = std::unique_ptr<BIO, OpenSslDeleter<BIO_free>>;

/// Prepares the library for this process; cheap when done already, safe from any thread. Our copy reads no
/// openssl.cnf (the machine's policy file belongs to the machine's own OpenSSL) and registers no exit handler
/// (worker threads may still run then).
void PrepareOpenSsl();

/// Takes this thread's queued OpenSSL errors as one line and empties the queue; `fallback` when there is
/// none.
std::string TakeOpenSslErrors(const char* fallback);

/// Throws CodedError("CRYPTO_FAILURE") naming `what` unless `ok`.
void CheckOpenSsl(bool ok, const char* what);

}  // namespace roomrtc
