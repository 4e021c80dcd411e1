#include "realmgw/control/worker_links.hpp"

#include <algorithm>
#include <utility>

namespace rgw::control {

WorkerLinks::WorkerLinks(std::vector<WorkerLink> workers, CounterBlock& counters) : counters_{counters} {
  for (const WorkerLink& worker : workers) links_.push_back({worker, {}});
}

void WorkerLinks::broadcast(const ring::ToWorker& event) {
  for (Link& link : links_) {
    if (link.waiting.empty() && link.link.rings->events_to_worker.push(event)) continue;
    link.waiting.push_back(event);
    ++waiting_;
  }
}

bool WorkerLinks::try_send(WorkerId worker, const ring::ToWorker& event) {
  Link& link = links_[worker.value()];
  return link.waiting.empty() && link.link.rings->events_to_worker.push(event);
}

void WorkerLinks::flush() {
  if (waiting_ == 0) return;
  for (Link& link : links_) {
    while (!link.waiting.empty() && link.link.rings->events_to_worker.push(link.waiting.front())) {
      link.waiting.pop_front();
      --waiting_;
    }
  }
}

bool WorkerLinks::room_for(unsigned events) const {
  return settled() && std::ranges::all_of(links_, [events](const Link& link) {
           return link.link.rings->events_to_worker.room() >= events;
         });
}

void WorkerLinks::send(WorkerId worker, ring::PacketBuffer packet) {
  if (links_[worker.value()].link.rings->packets_to_worker.push(packet.get())) {
    static_cast<void>(packet.release());
  } else {
    counters_.add(Counter::worker_ring_full);
  }
}

}  // namespace rgw::control
