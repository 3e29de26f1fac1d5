// The private keys that live in this process, found by the PEM text of certificate and key.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "openssl_handles.h"

namespace roomrtc {

/// Remembers keys only while somebody else holds them, and of the texts no more than their hash.
class KnownKeys {
 public:
  struct Entry {
    std::shared_ptr<X509> certificate;
    std::shared_ptr<EVP_PKEY> key;
  };

  static KnownKeys& OfProcess();

  /// The texts are the PEM forms of `entry`, whose key is the one that its certificate vouches for.
  void Note(const std::string& certificatePem, const std::string& privateKeyPem, const Entry& entry);
  /// What those very texts were written from, if it is alive.
  std::optional<Entry> Find(const std::string& certificatePem, const std::string& privateKeyPem);

 private:
  using Digest = std::array<unsigned char, 32>;
  struct Living {
    std::weak_ptr<X509> certificate;
    std::weak_ptr<EVP_PKEY> key;
  };

  static Digest DigestOf(const std::string& certificatePem, const std::string& privateKeyPem);

  std::mutex mutex_;
  std::map<Digest, Living> living_;
};

}  // namespace roomrtc
