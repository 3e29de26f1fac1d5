// Multicast membership and the way out of UDP sockets, as multicast DNS needs them (RFC 6762 §11).
#pragma once

#include <string>

namespace roomrtc {

/// Joins `group`, a numeric IPv4 or IPv6 address of the socket's family, on a network interface. Throws
/// CodedError with the system's code, INVALID_ADDRESS or INVALID_ARGUMENT.
void JoinMulticast(int fd, const std::string& group, const std::string& interface);

/// Datagrams to multicast groups leave through `interface` from now on, with the largest number of hops (RFC
/// 6762 §11: receivers take that as a sign that nobody routed them), and reach this machine's sockets too.
void SetMulticastInterface(int fd, const std::string& interface);

}  // namespace roomrtc
