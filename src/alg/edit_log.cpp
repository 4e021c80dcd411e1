#include "realmgw/alg/edit_log.hpp"

#include <algorithm>

namespace rgw::alg {
namespace {

std::int64_t delta_after(const EditLog::Step& step) {
  return static_cast<std::int64_t>(step.out_end() - step.in_end);
}

}  // namespace

void EditLog::add(std::uint64_t in, std::uint64_t length, std::string text) {
  const std::int64_t delta = steps_.empty() ? delta_ : delta_after(steps_.back());
  steps_.push_back({in, in + length, in + static_cast<std::uint64_t>(delta), std::move(text)});
}

std::uint64_t EditLog::to_out(std::uint64_t in) const {
  for (auto step = steps_.rbegin(); step != steps_.rend(); ++step) {
    if (in >= step->in_end) return in + static_cast<std::uint64_t>(delta_after(*step));
    if (in > step->in) return step->out;
  }
  return in + static_cast<std::uint64_t>(delta_);
}

std::uint64_t EditLog::to_in(std::uint64_t out, bool up) const {
  for (auto step = steps_.rbegin(); step != steps_.rend(); ++step) {
    if (out >= step->out_end()) return out - static_cast<std::uint64_t>(delta_after(*step));
    if (out > step->out) return up ? step->in_end : step->in;
  }
  return out - static_cast<std::uint64_t>(delta_);
}

std::pair<std::uint64_t, std::string> EditLog::render(std::uint64_t in, std::string_view bytes) const {
  const std::uint64_t begin = in;
  const std::uint64_t end = in + bytes.size();
  std::pair<std::uint64_t, std::string> rendered{to_out(in), {}};
  for (const Step& step : steps_) {
    if (step.in_end <= in || step.in >= end) continue;
    if (step.in > in) rendered.second.append(bytes.substr(in - begin, step.in - in));
    rendered.second.append(step.text);
    in = step.in_end;
  }
  if (in < end) rendered.second.append(bytes.substr(in - begin));
  return rendered;
}

void EditLog::acknowledged(std::uint64_t out) {
  while (steps_.size() > SequenceMap::capacity && steps_.front().out_end() <= out) {
    delta_ = delta_after(steps_.front());
    steps_.pop_front();
  }
}

std::size_t EditLog::in_flight(std::uint64_t acknowledged_out) const {
  return static_cast<std::size_t>(std::count_if(
      steps_.begin(), steps_.end(), [&](const Step& step) { return step.out_end() > acknowledged_out; }));
}

SequenceMap EditLog::map(std::uint32_t first) const {
  SequenceMap map{static_cast<std::uint32_t>(delta_)};
  const auto number = [&](std::uint64_t offset) { return first + static_cast<std::uint32_t>(offset); };
  for (const Step& step : steps_)
    map.add({number(step.in), number(step.in_end), number(step.out), number(step.out_end())});
  return map;
}

}  // namespace rgw::alg
