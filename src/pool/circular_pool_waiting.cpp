// The queries that wait for an address, and what they get when something comes free: POOL-8.
#include "realmgw/pool/circular_pool.hpp"

namespace rgw::pool {

Outcome CircularPool::wait(const Asked& asked, Instant now) {
  const Request& request = asked.request;
  const bool in_vain = !request.proven || config_.wait == Duration::zero() || claims_.full() ||
                       !ring(request.family).allows(request.service);
  if (in_vain || waiters_.full()) {
    counters_.add(Counter::pool_exhausted);
    return Exhausted{};
  }
  const auto until = now + config_.wait;
  const Slot waiter = waiters_.insert({request, now, until, asked.hash, asked.key});
  waiting_.push_back(waiter_links_, waiter);
  remember_query(asked.key, asked.hash, {waiter, true});
  return Waiting{waiters_.id(waiter), until, false};
}

void CircularPool::drop_waiter(Slot waiter) {
  queries_.erase(waiters_[waiter].query_hash, QueryPlace{waiter, true}.number());
  waiting_.erase(waiter_links_, waiter);
  waiters_.erase(waiter);
}

void CircularPool::give_up(Slot waiter) {
  const auto ticket = waiters_.id(waiter);
  drop_waiter(waiter);
  counters_.add(Counter::pool_exhausted);
  listener_.gave_up(ticket);
}

void CircularPool::serve_waiting(Instant now) {
  if (passed_over_) {
    passed_over_ = false;
    serve_each(now);
  }
  for (std::size_t i = 0; i < freed_.size() && !waiting_.empty(); ++i) {
    const Freed freed = freed_[i];  // a grant may free something more, and move the vector
    offer(freed, now);
  }
  freed_.clear();
}

/// Whoever gets something now gets it.
void CircularPool::serve_each(Instant now) {
  for (Slot waiter = waiting_.first(); waiter != none;) {
    if (claims_.full()) return void(passed_over_ = true);
    const Slot next = waiter_links_[waiter].next;
    static_cast<void>(serve(waiter, now));
    waiter = next;
  }
}

/// What came free goes to the first that it fits, and to whom it fits after that. Nobody who asks later can
/// come before them: whatever fits a newcomer was offered here first.
void CircularPool::offer(const Freed& freed, Instant now) {
  bool joinable = freed.joinable;
  for (Slot waiter = waiting_.first(); waiter != none;) {
    if (claims_.full()) return void(passed_over_ = true);
    const Slot next = waiter_links_[waiter].next;
    const auto& [request, asked, until, hash, query] = waiters_[waiter];
    const bool fits =
        request.family == freed.family && (ring(freed.family).fits(freed.address, request.service) ||
                                           (joinable && (shareable(request) != none || fits_beside(request) ||
                                                         is_sole(walked(request, asked)))));
    if (fits && serve(waiter, now)) joinable = true;
    waiter = next;
  }
}

bool CircularPool::serve(Slot waiter, Instant now) {
  const auto& [request, asked, until, hash, query] = waiters_[waiter];
  const auto granted = grant({request, query, hash}, asked, now);
  if (!granted) return false;
  const auto ticket = waiters_.id(waiter);
  drop_waiter(waiter);
  listener_.ready(ticket, *granted);
  return true;
}

}  // namespace rgw::pool
