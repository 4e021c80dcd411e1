#include "realmgw/control/session_pages.hpp"

#include "realmgw/nat/tcp_state.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

namespace rgw::control {

namespace {

std::string_view name(nat::SessionInfo::Origin origin) {
  switch (origin) {
    case nat::SessionInfo::Origin::outbound:
      return "outbound";
    case nat::SessionInfo::Origin::inbound:
      return "inbound";
    case nat::SessionInfo::Origin::local:
      return "local";
  }
  return "";
}

nlohmann::ordered_json to_json(const nat::SessionInfo& session) {
  nlohmann::ordered_json json{{"protocol", net::to_string(session.protocol)},
                              {"origin", name(session.origin)}};
  if (session.protocol == net::Protocol::tcp && session.tcp_state < nat::tcp_state_count) {
    json["tcp_state"] = nat::name(static_cast<nat::TcpState>(session.tcp_state));
  }
  json["worker"] = session.worker;
  json["inside"] = session.inside.to_string();
  json["external"] = session.external.to_string();
  json["remote"] = session.remote.to_string();
  json["remote_inside"] = session.remote_inside.to_string();
  json["age_s"] = session.age_s;
  json["idle_s"] = session.idle_s;
  json["expires_s"] = session.expires_s;
  return json;
}

}  // namespace

SessionPageSlot* SessionPages::take() {
  const auto found = std::ranges::find(*slots_, SessionPageSlot::State::idle, &SessionPageSlot::state);
  if (found == slots_->end()) return nullptr;
  found->state = SessionPageSlot::State::held;
  return &*found;
}

void SessionPages::give_back(SessionPageSlot& slot) {
  using State = SessionPageSlot::State;
  slot.state = slot.state == State::asked ? State::abandoned : State::idle;
}

void SessionPages::filled(const ring::SessionsPageFilled& answer) {
  using State = SessionPageSlot::State;
  for (SessionPageSlot& slot : *slots_) {
    if (&slot.page != answer.page) continue;
    slot.state = slot.state == State::abandoned ? State::idle : State::filled;
    slot.next_cursor = answer.next_cursor;
    slot.last = answer.last;
  }
}

SessionsReply::SessionsReply(SessionPages& pages, WorkerLinks& workers, std::uint64_t limit)
    : pages_{pages}, workers_{workers}, limit_{limit} {}

SessionsReply::~SessionsReply() {
  if (slot_ != nullptr) pages_.give_back(*slot_);
}

CtlReply::Progress SessionsReply::append_to(std::string& text) {
  if (slot_ == nullptr) {
    slot_ = pages_.take();
    if (slot_ == nullptr) return Progress::more;
    text += '[';
  }
  if (slot_->state == SessionPageSlot::State::asked) return Progress::more;
  if (slot_->state == SessionPageSlot::State::filled) {
    for (std::uint32_t i = 0; i < std::min(slot_->page.count, ring::SessionsPage::capacity); ++i) {
      if (written_ == limit_) return finish(text);
      text += written_ == 0 ? "\n" : ",\n";
      text += to_json(slot_->page.sessions[i]).dump();
      ++written_;
    }
    cursor_ = slot_->last ? 0 : slot_->next_cursor;
    if (slot_->last) worker_ = WorkerId{static_cast<std::uint8_t>(worker_.value() + 1)};
    slot_->state = SessionPageSlot::State::held;
  }
  if (worker_.value() == workers_.size()) return finish(text);
  slot_->page.count = 0;
  if (workers_.try_send(worker_, ring::SessionsQuery{&slot_->page, cursor_})) {
    slot_->state = SessionPageSlot::State::asked;
  }
  return Progress::more;
}

CtlReply::Progress SessionsReply::finish(std::string& text) {
  text += written_ == 0 ? "]" : "\n]";
  return Progress::finished;
}

}  // namespace rgw::control
