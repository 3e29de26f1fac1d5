#include "certificate.h"

#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <strings.h>

#include <array>
#include <string_view>

#include "coded_error.h"
#include "known_keys.h"

namespace roomrtc {

namespace {

constexpr int64_t kDaySeconds = 24 * 60 * 60;

using ExtensionHandle = std::unique_ptr<X509_EXTENSION, OpenSslDeleter<X509_EXTENSION_free>>;
using GeneralNamesHandle = std::unique_ptr<GENERAL_NAMES, OpenSslDeleter<GENERAL_NAMES_free>>;
using SerialHandle = std::unique_ptr<BIGNUM, OpenSslDeleter<BN_free>>;

/// RFC 5280 §4.1.2.2: positive, unpredictable, at most 20 octets.
void SetSerial(X509* certificate) {
  const SerialHandle serial(BN_new());
  CheckOpenSsl(serial && BN_rand(serial.get(), 127, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
                   BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(certificate)) != nullptr,
               "certificate serial number");
}

void SetName(X509* certificate, const std::string& commonName) {
  X509_NAME* name = X509_get_subject_name(certificate);
  const auto* text = reinterpret_cast<const unsigned char*>(commonName.data());
  CheckOpenSsl(X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8, text,
                                          static_cast<int>(commonName.size()), -1, 0) == 1 &&
                   X509_set_issuer_name(certificate, name) == 1,
               "certificate name");
}

void SetValidity(X509* certificate, int64_t nowSeconds, int64_t validSeconds) {
  CheckOpenSsl(ASN1_TIME_set(X509_getm_notBefore(certificate), nowSeconds - kDaySeconds) != nullptr &&
                   ASN1_TIME_set(X509_getm_notAfter(certificate), nowSeconds + validSeconds) != nullptr,
               "certificate validity");
}

GENERAL_NAME* MakeGeneralName(const std::string& text) {
  ASN1_OCTET_STRING* address = a2i_IPADDRESS(text.c_str());
  GENERAL_NAME* name = GENERAL_NAME_new();
  ASN1_IA5STRING* host = address ? nullptr : ASN1_IA5STRING_new();
  CheckOpenSsl(
      name && (address || (host && ASN1_STRING_set(host, text.data(), static_cast<int>(text.size())) == 1)),
      "certificate alternative name");
  if (address) {
    GENERAL_NAME_set0_value(name, GEN_IPADD, address);
  } else {
    GENERAL_NAME_set0_value(name, GEN_DNS, host);
  }
  return name;
}

void AddSubjectAltNames(X509* certificate, const std::vector<std::string>& names) {
  if (names.empty()) return;
  const GeneralNamesHandle list(sk_GENERAL_NAME_new_null());
  CheckOpenSsl(list != nullptr, "certificate alternative names");
  for (const std::string& name : names) sk_GENERAL_NAME_push(list.get(), MakeGeneralName(name));
  CheckOpenSsl(X509_add1_ext_i2d(certificate, NID_subject_alt_name, list.get(), 0, 0) == 1,
               "certificate alternative names");
}

std::string TakeText(const BioHandle& bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return size > 0 ? std::string(data, static_cast<size_t>(size)) : std::string();
}

[[noreturn]] void ThrowInvalid(const char* what) {
  throw CodedError("INVALID_CERTIFICATE",
                   std::string(what) + " (" + TakeOpenSslErrors("no PEM block found") + ")");
}

/// Keeps OpenSSL from asking the terminal for a pass phrase.
int NoPassPhrase(char*, int, int, void*) { return -1; }

PrivateKeyHandle ReadPrivateKey(const std::string& pem) {
  const BioHandle bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  PrivateKeyHandle key(PEM_read_bio_PrivateKey(bio.get(), nullptr, NoPassPhrase, nullptr));
  if (!key) ThrowInvalid("the private key PEM cannot be read");
  return key;
}

}  // namespace

Certificate::Certificate(std::shared_ptr<X509> certificate, std::shared_ptr<EVP_PKEY> key)
    : certificate_(std::move(certificate)), key_(std::move(key)) {}

Certificate Certificate::Generate(const CertificateRequest& request) {
  PrepareOpenSsl();
  PrivateKeyHandle key = request.privateKeyPem.empty() ? PrivateKeyHandle(EVP_EC_gen("P-256"))
                                                       : ReadPrivateKey(request.privateKeyPem);
  CheckOpenSsl(key != nullptr, "key pair generation");
  X509Handle certificate(X509_new());
  CheckOpenSsl(certificate && X509_set_version(certificate.get(), X509_VERSION_3) == 1 &&
                   X509_set_pubkey(certificate.get(), key.get()) == 1,
               "certificate set-up");
  SetSerial(certificate.get());
  SetName(certificate.get(), request.commonName);
  SetValidity(certificate.get(), request.nowSeconds, request.validSeconds);
  AddSubjectAltNames(certificate.get(), request.subjectAltNames);
  CheckOpenSsl(X509_sign(certificate.get(), key.get(), EVP_sha256()) != 0, "certificate signature");
  return Certificate(std::move(certificate), std::move(key));
}

Certificate Certificate::FromPem(const std::string& certificatePem, const std::string& privateKeyPem) {
  PrepareOpenSsl();
  TakeOpenSslErrors("");
  if (auto known = KnownKeys::OfProcess().Find(certificatePem, privateKeyPem)) {
    return Certificate(std::move(known->certificate), std::move(known->key));
  }
  const BioHandle certificateBio(
      BIO_new_mem_buf(certificatePem.data(), static_cast<int>(certificatePem.size())));
  X509Handle certificate(PEM_read_bio_X509(certificateBio.get(), nullptr, NoPassPhrase, nullptr));
  if (!certificate) ThrowInvalid("the certificate PEM cannot be read");
  PrivateKeyHandle key = ReadPrivateKey(privateKeyPem);
  if (X509_check_private_key(certificate.get(), key.get()) != 1) {
    ThrowInvalid("the private key does not belong to the certificate");
  }
  return Certificate(std::move(certificate), std::move(key));
}

std::string Certificate::CertificatePem() const {
  const BioHandle bio(BIO_new(BIO_s_mem()));
  CheckOpenSsl(bio && PEM_write_bio_X509(bio.get(), certificate_.get()) == 1, "certificate PEM");
  return TakeText(bio);
}

std::string Certificate::PrivateKeyPem() const {
  const BioHandle bio(BIO_new(BIO_s_secmem()));
  CheckOpenSsl(
      bio && PEM_write_bio_PKCS8PrivateKey(bio.get(), key_.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1,
      "private key PEM");
  std::string text = TakeText(bio);
  KnownKeys::OfProcess().Note(CertificatePem(), text, {certificate_, key_});
  return text;
}

double Certificate::ExpiresMs() const {
  int days = 0;
  int seconds = 0;
  const std::unique_ptr<ASN1_TIME, OpenSslDeleter<ASN1_TIME_free>> epoch(ASN1_TIME_set(nullptr, 0));
  CheckOpenSsl(ASN1_TIME_diff(&days, &seconds, epoch.get(), X509_get0_notAfter(certificate_.get())) == 1,
               "certificate expiry");
  return (static_cast<double>(days) * kDaySeconds + seconds) * 1e3;
}

std::string FingerprintOf(const X509* certificate, const std::string& algorithm) {
  struct Hash {
    const char* name;
    const EVP_MD* (*digest)();
  };
  static constexpr std::array<Hash, 5> kHashes{{{"sha-1", EVP_sha1},
                                                {"sha-224", EVP_sha224},
                                                {"sha-256", EVP_sha256},
                                                {"sha-384", EVP_sha384},
                                                {"sha-512", EVP_sha512}}};
  for (const Hash& hash : kHashes) {
    if (strcasecmp(hash.name, algorithm.c_str()) != 0) continue;
    std::array<uint8_t, EVP_MAX_MD_SIZE> digest;
    unsigned size = 0;
    CheckOpenSsl(X509_digest(certificate, hash.digest(), digest.data(), &size) == 1,
                 "certificate fingerprint");
    std::string text;
    for (unsigned i = 0; i < size; ++i) {
      constexpr std::string_view kHex = "0123456789ABCDEF";
      if (i > 0) text += ':';
      text += kHex[digest[i] >> 4];
      text += kHex[digest[i] & 15];
    }
    return text;
  }
  throw CodedError("OUT_OF_RANGE",
                   "fingerprint: algorithm must be one of sha-1 sha-224 sha-256 sha-384 sha-512, "
                   "found \"" +
                       algorithm.substr(0, 40) + "\"");
}

}  // namespace roomrtc
