// libFuzzer: bytes from the network at any moment of a DTLS handshake. The first byte says which end hears
// them and after how many exchanged datagrams; the rest is cut into datagrams by two-byte lengths.
#include <array>
#include <cstdlib>
#include <vector>

#include "byte_order.h"
#include "dtls_transport.h"

using namespace roomrtc;

namespace {

constexpr double kNowUs = 1e6;

const Certificate& SharedCertificate() {
  static const Certificate certificate =
      Certificate::Generate({.commonName = "fuzz", .nowSeconds = 1'800'000'000});
  return certificate;
}

/// Carries one datagram; false when `from` has none.
bool Carry(DtlsTransport& from, DtlsTransport& to) {
  std::array<uint8_t, 4096> out;
  const size_t size = from.TakeDatagram(out);
  if (size > 0) to.HandleDatagram(std::span(out).first(size), kNowUs);
  return size > 0;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  DtlsTransport client({.role = DtlsOptions::Role::kClient}, SharedCertificate());
  DtlsTransport server({.role = DtlsOptions::Role::kServer}, SharedCertificate());
  client.Start(kNowUs);
  server.Start(kNowUs);
  for (int i = 0; i < (data[0] & 15); ++i) {
    if (!Carry(client, server)) Carry(server, client);
  }
  DtlsTransport& target = data[0] & 0x80 ? client : server;
  std::span<const uint8_t> rest(data + 1, size - 1);
  while (rest.size() > 2) {
    const size_t length = std::min<size_t>(ReadU16(rest.data()), rest.size() - 2);
    const std::vector<uint8_t> datagram(rest.begin() + 2, rest.begin() + 2 + static_cast<long>(length));
    const bool wasConnected = target.state() == DtlsTransport::State::kConnected;
    target.HandleDatagram(datagram, kNowUs);
    // What nobody can have ciphered must not end what is connected.
    if (wasConnected && target.state() != DtlsTransport::State::kConnected) std::abort();
    rest = rest.subspan(2 + length);
  }
  std::array<uint8_t, DtlsTransport::kMaxApplicationData> out;
  while (target.TakeApplicationData(out) > 0) {
  }
  target.HandleTimeout(kNowUs + 60e6);
  return 0;
}
