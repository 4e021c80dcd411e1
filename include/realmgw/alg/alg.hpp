// The seam between the engine and the protocols (ALG-5): bytes and events in; edits and pinholes out.
// No sockets, no threads, no clock of its own. All of it runs on the control thread.
#pragma once

#include "realmgw/alg/address_book.hpp"
#include "realmgw/base/clock.hpp"
#include "realmgw/net/side.hpp"
#include "realmgw/net/transport.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rgw::alg {

/// `length` bytes from `at` on become `text`. `length` is at least 1: the sender repeats what it sent until
/// it is acknowledged, so a replacement must hang on bytes of the sender's.
struct Edit {
  std::size_t at = 0;
  std::size_t length = 0;
  std::string text;
};

/// What an inspector says about a window of bytes.
struct Decision {
  std::size_t decided = 0;  ///< so many bytes may go on; 0: more is needed to tell
  std::vector<Edit> edits;  ///< within what is decided, in order, not overlapping
  bool drop = false;        ///< datagrams only: it goes no further
  bool finished = false;    ///< nothing after this concerns the ALG, in either direction (AUTH TLS)
};

/// Are the edits in order, within `decided`, and `decided` within the window?
[[nodiscard]] bool well_formed(const Decision& decision, std::size_t window);
/// The window's decided bytes with the edits applied. Only where well formed.
[[nodiscard]] std::string edited(const Decision& decision, std::string_view window);

/// What came of the messages of one protocol. Writer: the control thread.
struct Tally {
  std::uint64_t messages = 0;    ///< messages, or lines, read
  std::uint64_t edited = 0;      ///< of these, changed
  std::uint64_t refused = 0;     ///< third-party addresses, and pinholes that could not be had
  std::uint64_t malformed = 0;   ///< not readable as the protocol
  std::uint64_t over_limit = 0;  ///< beyond a limit of size, number or depth
  std::uint64_t shown = 0;       ///< inside addresses that had to stay in what the outside reads
};

/// Reads one session. Its window is, on TCP, all bytes of a direction that are not decided yet (it grows
/// until something is), on UDP one datagram, which is decided as a whole.
class Inspector {
 public:
  virtual ~Inspector() = default;
  [[nodiscard]] virtual Decision on_bytes(Side from, std::string_view window, Instant now) = 0;
  /// Lets go of what has passed its time. Called about once a second.
  virtual void on_time(Instant now) = 0;
  /// Of a datagram session: is something agreed by it that a later datagram would be about, so that silence
  /// does not end it?
  [[nodiscard]] virtual bool needs_session(Instant) { return false; }
};

/// A protocol. Made once; keeps what sessions share (SIP dialogues), and outlives its inspectors.
class Alg {
 public:
  virtual ~Alg() = default;
  [[nodiscard]] virtual std::unique_ptr<Inspector> inspect(const Conversation& conversation,
                                                           AddressBook& book) = 0;
  /// Lets go of shared state that has passed its time.
  virtual void on_time(Instant) {}
  [[nodiscard]] const Tally& tally() const { return tally_; }

 protected:
  Tally tally_;
};

/// How inside addresses are written in signalling (ALG-3): as the host's public name, or as the external
/// address.
enum class AddressForm : std::uint8_t { fqdn, literal };

struct Options {
  AddressForm address_form = AddressForm::literal;
};

/// Who makes an ALG of net/alg_list.hpp.
struct Registration {
  std::string_view name;
  std::unique_ptr<Alg> (*make)(const Options& options);
};

/// Every ALG there is, in the order of net::AlgId.
[[nodiscard]] std::span<const Registration> registrations();

}  // namespace rgw::alg
