#include "realmgw/dns/cares_upstream.hpp"

#include "realmgw/dns/types.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

#include "cares_channel.hpp"
#include "opt_head.hpp"

namespace rgw::dns {
namespace {

/// What a probe asks: the root's name servers, which any resolver knows.
std::vector<std::uint8_t> probe_query() {
  constexpr auto ns = static_cast<std::uint8_t>(RrType::ns);
  std::vector<std::uint8_t> query{0, 0, flag::rd >> 8, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, ns, 0, class_in};
  const auto opt = opt_head(Rcode::noerror, false, 0);
  query.insert(query.end(), opt.begin(), opt.end());
  return query;
}
/// Set in the IDs of probes, which nobody outside knows.
constexpr std::uint64_t probe_bit = std::uint64_t{1} << 63;

}  // namespace

/// A question on its way.
struct CaresUpstream::Asked {
  /// What this question has met at an upstream.
  struct Course {
    bool plain = false, tcp = false;  ///< asked so
    bool out = false;                 ///< not asked any more
  };
  FetchId id{};
  bool is_probe = false;
  Instant since{};
  std::vector<std::uint8_t> query;
  std::vector<std::size_t> order;  ///< the upstreams, as they are asked
  std::vector<Course> courses;     ///< by upstream
  int round = 0;
  std::size_t place = 0;  ///< in the order
  bool was_reached = false;
  std::unique_ptr<CaresChannel> channel;            ///< of the latest attempt
  std::vector<std::unique_ptr<CaresChannel>> late;  ///< of attempts that may still be answered
};

CaresUpstream::CaresUpstream(Config config, SocketWatcher& watcher)
    : config_{std::move(config)},
      watcher_{watcher},
      standings_{config_.upstreams, {.slow_after = config_.move_on}} {
  if (config_.upstreams.empty()) throw std::invalid_argument{"no upstream"};
}

CaresUpstream::~CaresUpstream() = default;

std::unique_ptr<CaresChannel> CaresUpstream::open(Manner manner, std::size_t upstream) {
  std::unique_ptr<CaresChannel> channel;
  if (auto& idle = idle_[manner.index()]; !idle.empty()) {
    channel = std::move(idle.back());
    idle.pop_back();
  } else {
    channel = CaresChannel::open(*this, manner, config_.timeout);
  }
  if (channel && !channel->set(upstream, config_.upstreams[upstream])) return nullptr;
  return channel;
}

void CaresUpstream::put_away(std::unique_ptr<CaresChannel> channel) {
  auto& idle = idle_[channel->manner.index()];
  if (channel->reusable() && idle.size() < max_idle) idle.push_back(std::move(channel));
}

void CaresUpstream::ask(FetchId id, std::span<const std::uint8_t> query) {
  auto asked = std::make_unique<Asked>();
  asked->query.assign(query.begin(), query.end());
  asked->order = standings_.order();
  begin(id, std::move(asked));
}

void CaresUpstream::probe(std::size_t upstream) {
  auto asked = std::make_unique<Asked>();
  asked->is_probe = true;
  asked->since = now_;
  asked->query = probe_query();
  asked->order = {upstream};
  begin(FetchId{probe_bit | next_probe_++}, std::move(asked));
}

void CaresUpstream::begin(FetchId id, std::unique_ptr<Asked> asked) {
  asked->id = id;
  asked->courses.resize(config_.upstreams.size());
  Asked& known = *busy_.insert_or_assign(id, std::move(asked)).first->second;
  attempt(known);
  settle(id);
}

void CaresUpstream::attempt(Asked& asked) {
  for (; asked.round <= config_.tries; ++asked.round, asked.place = 0) {
    const bool last_round = asked.round == config_.tries;
    for (; asked.place < asked.order.size(); ++asked.place) {
      const std::size_t upstream = asked.order[asked.place];
      const auto& standing = standings_[upstream];
      auto& course = asked.courses[upstream];
      if (course.out) continue;
      course.plain = course.plain || now_ < standing.plain_until;
      course.tcp = course.tcp || last_round || now_ < standing.tcp_until;
      send(asked, upstream, {!course.plain, course.tcp});
      if (asked.channel) return;
    }
  }
}

void CaresUpstream::send(Asked& asked, std::size_t upstream, Manner manner) {
  asked.channel = open(manner, upstream);
  if (asked.channel) asked.channel->send(asked.id, asked.query);
}

/// TCP repeats what is lost by itself, so once is enough; where it was a memory that spoke for it, that is
/// wrong.
void CaresUpstream::give_up_tcp(Asked& asked, std::size_t upstream) {
  auto& course = asked.courses[upstream];
  auto& standing = standings_[upstream];
  course.out = now_ >= standing.tcp_until;
  course.tcp = false;
  standing.tcp_until = {};
}

/// No answer has come for a while: the next attempt may begin.
void CaresUpstream::pass_over(Asked& asked, const CaresChannel& channel) {
  asked.was_reached = true;
  standings_.doubt(channel.upstream);
  if (!asked.is_probe) ++standings_[channel.upstream].health.silent;
  if (channel.manner.tcp) {
    give_up_tcp(asked, channel.upstream);
  } else {
    ++asked.place;
  }
}

/// Is the upstream only slow over UDP? Not if a probe, which is easily answered, had to come by TCP.
bool CaresUpstream::may_answer_udp(const Asked& asked, std::size_t upstream) {
  return !asked.is_probe && std::ranges::any_of(asked.late, [upstream](const auto& channel) {
    return channel->upstream == upstream && !channel->manner.tcp;
  });
}

bool CaresUpstream::conclude(Asked& asked, const CaresChannel& channel, bool was_late) {
  const std::size_t upstream = channel.upstream;
  auto& course = asked.courses[upstream];
  auto& standing = standings_[upstream];
  const End end = channel.end;
  const bool spoke = end != End::silent && end != End::unreachable;
  if (spoke && !was_late && !asked.is_probe) standings_.trust(upstream);
  const auto count = [&](std::uint64_t& of) { of += asked.is_probe ? 0 : 1; };
  asked.was_reached = asked.was_reached || end != End::unreachable;
  switch (end) {
    case End::none:
      break;
    case End::answered:
      count(standing.health.answered);
      // From when it was learnt, not from when it was last used: it is tried again in the end.
      if (!channel.manner.edns && now_ >= standing.plain_until) standing.plain_until = now_ + config_.memory;
      if (channel.manner.tcp && now_ >= standing.tcp_until && !may_answer_udp(asked, upstream))
        standing.tcp_until = now_ + config_.memory;
      return true;
    case End::no_edns:
      count(standing.health.failed);
      course.plain = true;
      break;
    case End::failed:
      count(standing.health.failed);
      course.out = true;
      break;
    case End::silent:
      if (!was_late) pass_over(asked, channel);
      break;
    case End::unreachable:
      if (was_late) break;
      count(standing.health.unreachable);
      standings_.doubt(upstream);
      if (course.tcp) {
        give_up_tcp(asked, upstream);
      } else {
        course.tcp = true;
      }
      break;
  }
  // Whatever it said, it is there.
  return asked.is_probe && spoke;
}

/// Takes the ends of late attempts. The channel of the one that settles the question, or null.
std::unique_ptr<CaresChannel> CaresUpstream::take_late(Asked& asked) {
  for (std::size_t i = 0; i < asked.late.size();) {
    if (asked.late[i]->end == End::none) {
      ++i;
      continue;
    }
    auto channel = std::move(asked.late[i]);
    asked.late.erase(asked.late.begin() + static_cast<std::ptrdiff_t>(i));
    if (conclude(asked, *channel, true)) return channel;
    // No round may be left in which it would be asked again.
    if (channel->end == End::no_edns && !asked.channel) send(asked, channel->upstream, {false, false});
  }
  return nullptr;
}

void CaresUpstream::settle(FetchId id) {
  const auto found = busy_.find(id);
  if (found == busy_.end()) return;
  Asked& asked = *found->second;
  auto settled = take_late(asked);
  while (!settled && asked.channel && asked.channel->end != End::none) {
    auto channel = std::move(asked.channel);
    if (conclude(asked, *channel, false)) {
      settled = std::move(channel);
    } else {
      channel.reset();
      attempt(asked);
    }
  }
  using Status = UpstreamReply::Status;
  if (settled) {
    auto message = std::move(settled->message);
    put_away(std::move(settled));
    return reply(id, Status::answered, std::move(message));
  }
  // A probe has waited long enough when its last attempt has.
  if (!asked.channel && (asked.late.empty() || asked.is_probe))
    reply(id, asked.was_reached ? Status::no_answer : Status::unreachable, {});
}

void CaresUpstream::reply(FetchId id, UpstreamReply::Status status, std::vector<std::uint8_t> message) {
  const auto asked = std::move(busy_.extract(id).mapped());
  if (!asked->is_probe) return replies_.push_back({id, status, std::move(message)});
  const std::size_t upstream = asked->order.front();
  if (status == UpstreamReply::Status::answered) {
    standings_.alive(upstream, now_ - asked->since, now_);
  } else {
    standings_.dead(upstream, now_);
  }
}

void CaresUpstream::cancel(FetchId id) {
  busy_.erase(id);
  std::erase_if(replies_, [id](const UpstreamReply& reply) { return reply.id == id; });
}

std::optional<UpstreamReply> CaresUpstream::take() {
  if (replies_.empty()) return std::nullopt;
  UpstreamReply first = std::move(replies_.front());
  replies_.pop_front();
  return first;
}

void CaresUpstream::socket_state(CaresChannel& channel, int fd, bool readable, bool writable) {
  if (readable || writable) {
    by_socket_[fd] = &channel;
  } else if (by_socket_.erase(fd) == 0) {
    return;
  }
  watcher_.watch(fd, readable, writable);
}

// `settle` is never called from within c-ares, which still needs the channel there.
void CaresUpstream::ready(int fd, bool readable, bool writable) {
  const auto found = by_socket_.find(fd);
  if (found == by_socket_.end()) return;
  CaresChannel& channel = *found->second;
  const FetchId id = channel.id;
  ares_process_fd(channel.handle, readable ? fd : ARES_SOCKET_BAD, writable ? fd : ARES_SOCKET_BAD);
  settle(id);
}

void CaresUpstream::tick(Instant now) {
  now_ = now;
  if (now < next_tick_) return;
  next_tick_ = now + tick_interval;
  std::vector<FetchId> waiting;
  waiting.reserve(busy_.size());
  for (const auto& [id, asked] : busy_) waiting.push_back(id);
  for (const FetchId id : waiting) {
    const auto found = busy_.find(id);
    if (found == busy_.end()) continue;
    Asked& asked = *found->second;
    const auto time_out = [](const auto& channel) {
      if (channel) ares_process_fd(channel->handle, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    };
    std::ranges::for_each(asked.late, time_out);
    time_out(asked.channel);
    hurry(asked);
    settle(id);
  }
  for (const std::size_t upstream : standings_.take_probes(now)) probe(upstream);
}

/// Begins the next attempt where the latest has waited long enough; each round waits twice as long as the one
/// before.
void CaresUpstream::hurry(Asked& asked) {
  if (!asked.channel || asked.channel->end != End::none) return;
  auto& sent = asked.channel->sent;
  if (!sent) sent = now_;
  if (now_ - *sent < config_.move_on * (1 << asked.round)) return;
  auto channel = std::move(asked.channel);
  pass_over(asked, *channel);
  // Each has a socket: where there are many, what is late is given up.
  if (asked.late.size() < max_late && busy_.size() <= max_busy_with_late) {
    asked.late.push_back(std::move(channel));
  } else {
    channel.reset();
  }
  attempt(asked);
}

}  // namespace rgw::dns
