#include "connection.hpp"

#include "realmgw/base/file_descriptor.hpp"
#include "realmgw/net/address.hpp"

#include <array>
#include <chrono>
#include <cstring>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdexcept>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <thread>

#include <linux/sockios.h>

namespace rgw::session_log {
namespace {

using Transport = config::SessionLog::Collector::Transport;

constexpr std::chrono::seconds patience{5};

std::runtime_error failure(const std::string& what) {
  return std::runtime_error{what + ": " + std::strerror(errno)};
}

std::runtime_error tls_failure(const std::string& what) {
  const unsigned long code = ERR_peek_last_error();
  const char* const reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  ERR_clear_error();
  return std::runtime_error{what + ": " + (reason == nullptr ? "the connection broke" : reason)};
}

struct FreeAddresses {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};

std::unique_ptr<addrinfo, FreeAddresses> addresses_of(const config::SessionLog::Collector& where) {
  addrinfo hints{};
  hints.ai_socktype = where.transport == Transport::udp ? SOCK_DGRAM : SOCK_STREAM;
  addrinfo* list = nullptr;
  if (const int error = getaddrinfo(where.host.c_str(), std::to_string(where.port).c_str(), &hints, &list))
    throw std::runtime_error{where.host + ": " + gai_strerror(error)};
  return std::unique_ptr<addrinfo, FreeAddresses>{list};
}

void set_patience(int socket) {
  const timeval limit{patience.count(), 0};
  setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
}

/// Connected to one address; SO_SNDTIMEO bounds connect(), too (socket(7)).
FileDescriptor connected(const addrinfo& address) {
  FileDescriptor socket{::socket(address.ai_family, address.ai_socktype | SOCK_CLOEXEC, address.ai_protocol)};
  if (!socket) throw failure("socket");
  set_patience(socket.get());
  if (::connect(socket.get(), address.ai_addr, address.ai_addrlen) != 0) {
    if (errno == EINPROGRESS) errno = ETIMEDOUT;
    throw failure("connect");
  }
  return socket;
}

FileDescriptor connected(const config::SessionLog::Collector& where) {
  const auto addresses = addresses_of(where);
  std::string why;
  for (const addrinfo* one = addresses.get(); one != nullptr; one = one->ai_next) {
    try {
      return connected(*one);
    } catch (const std::runtime_error& error) {
      why = error.what();
    }
  }
  throw std::runtime_error{why};
}

class Datagrams final : public Collector::Connection {
 public:
  explicit Datagrams(FileDescriptor socket) : socket_{std::move(socket)} {}
  void send(const std::deque<std::string>& messages) override {
    for (const auto& message : messages) {
      if (::send(socket_.get(), message.data(), message.size(), MSG_NOSIGNAL) < 0) throw failure("send");
    }
  }

 private:
  FileDescriptor socket_;
};

/// RFC 6587 section 3.4.1, RFC 5425 section 4.3: each message behind its length.
std::string framed(const std::deque<std::string>& messages) {
  std::string text;
  for (const auto& message : messages)
    text.append(std::to_string(message.size())).append(" ").append(message);
  return text;
}

class Stream : public Collector::Connection {
 public:
  explicit Stream(FileDescriptor socket) : socket_{std::move(socket)} {
    const int on = 1;
    const unsigned milliseconds = std::chrono::milliseconds{patience}.count();
    setsockopt(socket_.get(), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    setsockopt(socket_.get(), IPPROTO_TCP, TCP_USER_TIMEOUT, &milliseconds, sizeof milliseconds);
  }
  /// What nobody has read here, like a TLS ticket, would make close() a reset, by which the collector might
  /// lose what it has not read yet.
  ~Stream() override {
    ::shutdown(socket_.get(), SHUT_WR);
    const timeval limit{1, 0};
    setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    std::array<char, 4096> unread;
    for (int n = 0; n < 16 && ::recv(socket_.get(), unread.data(), unread.size(), 0) > 0; ++n) {
    }
  }
  void send(const std::deque<std::string>& messages) override {
    write(framed(messages));
    await_acknowledgement();
  }

 protected:
  virtual void write(const std::string& text) {
    for (std::size_t sent = 0; sent < text.size();) {
      const auto count = ::send(socket_.get(), text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
      if (count < 0) throw failure("send");
      sent += static_cast<std::size_t>(count);
    }
  }
  [[nodiscard]] int socket() const { return socket_.get(); }

 private:
  /// Until the other machine has all that was written, or is gone.
  void await_acknowledgement() {
    const auto end = std::chrono::steady_clock::now() + patience;
    for (auto pause = std::chrono::microseconds{50};; pause = std::min(2 * pause, max_pause)) {
      int unsent = 0;
      if (ioctl(socket_.get(), SIOCOUTQ, &unsent) != 0) throw failure("SIOCOUTQ");
      int error = 0;
      socklen_t size = sizeof error;
      getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
      if (error != 0) throw std::runtime_error{std::strerror(error)};
      // A reset empties the queue, too; what hangs up has not said that it has everything.
      pollfd look{socket_.get(), POLLRDHUP, 0};
      if (poll(&look, 1, 0) > 0 && (look.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0)
        throw std::runtime_error{"the collector has closed the connection"};
      if (unsent == 0) return;
      if (std::chrono::steady_clock::now() > end)
        throw std::runtime_error{"the collector acknowledges nothing"};
      std::this_thread::sleep_for(pause);
    }
  }
  static constexpr std::chrono::microseconds max_pause{5'000};

  FileDescriptor socket_;
};

class TlsStream final : public Stream {
 public:
  TlsStream(FileDescriptor socket, const std::string& host, SSL_CTX* context)
      : Stream{std::move(socket)}, tls_{SSL_new(context)} {
    if (!tls_) throw tls_failure("TLS");
    // RFC 5425 section 5.2: the certificate is the collector's whose name, or address, was written.
    const bool is_address = net::IpAddress::parse(host).has_value();
    const int named = is_address ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls_.get()), host.c_str())
                                 : SSL_set1_host(tls_.get(), host.c_str());
    if (named != 1) throw tls_failure("TLS");
    if (!is_address) SSL_set_tlsext_host_name(tls_.get(), host.c_str());
    SSL_set_fd(tls_.get(), this->socket());
    if (SSL_connect(tls_.get()) == 1) return;
    const long verified = SSL_get_verify_result(tls_.get());
    if (verified != X509_V_OK) {
      ERR_clear_error();
      throw std::runtime_error{std::string{"the certificate: "} + X509_verify_cert_error_string(verified)};
    }
    throw tls_failure("TLS");
  }
  ~TlsStream() override { SSL_shutdown(tls_.get()); }

 private:
  void write(const std::string& text) override {
    std::size_t written = 0;
    if (SSL_write_ex(tls_.get(), text.data(), text.size(), &written) != 1 || written != text.size())
      throw tls_failure("TLS");
  }

  std::unique_ptr<SSL, FreeTls> tls_;
};

}  // namespace

TlsContext make_tls_context(const std::string& ca_file) {
  TlsContext context{SSL_CTX_new(TLS_client_method())};
  if (!context) throw tls_failure("TLS");
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  const int trusted = ca_file.empty()
                          ? SSL_CTX_set_default_verify_paths(context.get())
                          : SSL_CTX_load_verify_locations(context.get(), ca_file.c_str(), nullptr);
  if (trusted != 1) throw tls_failure(ca_file.empty() ? "the system's certificates" : ca_file);
  return context;
}

std::unique_ptr<Collector::Connection> connect_to(const config::SessionLog::Collector& where, SSL_CTX* tls) {
  FileDescriptor socket = connected(where);
  if (where.transport == Transport::udp) return std::make_unique<Datagrams>(std::move(socket));
  if (where.transport == Transport::tcp) return std::make_unique<Stream>(std::move(socket));
  return std::make_unique<TlsStream>(std::move(socket), where.host, tls);
}

}  // namespace rgw::session_log
