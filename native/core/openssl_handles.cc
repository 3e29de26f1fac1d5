#include "openssl_handles.h"

#include <openssl/err.h>

#include "coded_error.h"

namespace roomrtc {

void PrepareOpenSsl() {
  static const bool prepared = [] {
    return OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT, nullptr) == 1;
  }();
  CheckOpenSsl(prepared, "initialisation");
}

std::string TakeOpenSslErrors(const char* fallback) {
  std::string text;
  while (const unsigned long code = ERR_get_error()) {
    const char* reason = ERR_reason_error_string(code);
    if (!text.empty()) text += "; ";
    text += reason ? std::string(reason) : "error " + std::to_string(code);
  }
  return text.empty() ? fallback : text;
}

void CheckOpenSsl(bool ok, const char* what) {
  if (ok) return;
  throw CodedError("CRYPTO_FAILURE", std::string(what) + " failed: " + TakeOpenSslErrors("no reason given"));
}

}  // namespace roomrtc
