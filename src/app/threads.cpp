#include "realmgw/app/threads.hpp"

#include "realmgw/app/log.hpp"

#include <cstdint>
#include <ctime>
#include <exception>
#include <pthread.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <utility>

namespace rgw::app {

ThreadGroup::ThreadGroup() : failure_{checked(eventfd(0, EFD_CLOEXEC), "eventfd")} {}

void ThreadGroup::start(const std::string& name, Body body) {
  Turns& turns = *turns_.emplace_back(std::make_unique<Turns>(name, stop_));
  threads_.emplace_back([this, name, &turns, run = std::move(body)] {
    pthread_setname_np(pthread_self(), name.c_str());
    prctl(PR_SET_TIMERSLACK, 1000UL);  // nanoseconds: a rest of 50 us shall not become one of 100
    try {
      run(turns);
    } catch (const std::exception& error) {
      log(LogMessage::thread_failed, name, error.what());
      eventfd_write(failure_.get(), 1);
    }
  });
}

void ThreadGroup::stop() {
  stop_.store(true, std::memory_order_relaxed);
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  turns_.clear();
}

bool pin_to_cpu(unsigned cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  return cpu < CPU_SETSIZE && pthread_setaffinity_np(pthread_self(), sizeof set, &set) == 0;
}

void Rest::sleep(long nanoseconds) {
  const timespec rest{0, nanoseconds};
  nanosleep(&rest, nullptr);
}

}  // namespace rgw::app
