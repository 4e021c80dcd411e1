#include "realmgw/control/use_survey.hpp"

#include <algorithm>

namespace rgw::control {

void UseSurvey::begin() {
  if (!done()) return;
  std::ranges::fill(parts_, Part{Part::State::to_be_asked, 0});
}

bool UseSurvey::done() {
  bool whole = true;
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    Part& part = parts_[i];
    if (part.state == Part::State::to_be_asked &&
        workers_.try_send(WorkerId{static_cast<std::uint8_t>(i)}, ring::UseQuery{&uses_[i], part.next}))
      part.state = Part::State::asked;
    whole = whole && part.state == Part::State::whole;
  }
  return whole;
}

void UseSurvey::filled(const ring::UseFilled& answer) {
  Part& part = parts_[static_cast<std::size_t>(answer.use - uses_.get())];
  part.state = answer.last ? Part::State::whole : Part::State::to_be_asked;
  part.next = answer.next;
}

}  // namespace rgw::control
