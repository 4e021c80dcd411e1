// The rings that AF_XDP's driver shares with the kernel, as far as somebody else may read them.
#pragma once

#include <set>
#include <sys/types.h>
#include <vector>

#include <rte_mbuf.h>

namespace rgw::dataplane {

/// The AF_XDP sockets whose rings this process has mapped, by their inodes.
[[nodiscard]] std::set<ino_t> xdp_sockets();

/// The buffers of `pool` that lie in the rings of these sockets. The driver forgets them when it closes the
/// sockets. Their interface, or its XDP program, is gone and no worker has their queues, so that neither side
/// moves any more. Of a socket in zero-copy mode nothing is found: there a card's driver may have buffers
/// that the rings still show.
[[nodiscard]] std::vector<rte_mbuf*> buffers_in_rings(const std::set<ino_t>& sockets,
                                                      const rte_mempool& pool);

/// Closes those of these sockets that are open still, once the driver has given its device up: it leaves them
/// open, and the kernel lets nobody else have their queues meanwhile.
void close_sockets(const std::set<ino_t>& sockets);

}  // namespace rgw::dataplane
