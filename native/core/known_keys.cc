#include "known_keys.h"

#include <openssl/crypto.h>

namespace roomrtc {

KnownKeys& KnownKeys::OfProcess() {
  // Never destroyed: worker threads may still run when the process ends.
  static KnownKeys* const keys = new KnownKeys;
  return *keys;
}

void KnownKeys::Note(const std::string& certificatePem, const std::string& privateKeyPem,
                     const Entry& entry) {
  const Digest digest = DigestOf(certificatePem, privateKeyPem);
  const std::lock_guard lock(mutex_);
  std::erase_if(living_, [](const auto& each) { return each.second.key.expired(); });
  living_.insert_or_assign(digest, Living{entry.certificate, entry.key});
}

std::optional<KnownKeys::Entry> KnownKeys::Find(const std::string& certificatePem,
                                                const std::string& privateKeyPem) {
  const Digest digest = DigestOf(certificatePem, privateKeyPem);
  const std::lock_guard lock(mutex_);
  const auto found = living_.find(digest);
  if (found == living_.end()) return std::nullopt;
  Entry entry{found->second.certificate.lock(), found->second.key.lock()};
  if (!entry.certificate || !entry.key) return std::nullopt;
  return entry;
}

KnownKeys::Digest KnownKeys::DigestOf(const std::string& certificatePem, const std::string& privateKeyPem) {
  std::string both = certificatePem + '\0' + privateKeyPem;
  Digest digest{};
  const bool done = EVP_Digest(both.data(), both.size(), digest.data(), nullptr, EVP_sha256(), nullptr) == 1;
  OPENSSL_cleanse(both.data(), both.size());
  CheckOpenSsl(done, "key digest");
  return digest;
}

}  // namespace roomrtc
