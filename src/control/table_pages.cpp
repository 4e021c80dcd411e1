#include "realmgw/control/table_pages.hpp"

#include "realmgw/nat/tcp_state.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

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

std::string_view name(nat::MappingInfo::Kind kind) {
  switch (kind) {
    case nat::MappingInfo::Kind::fixed:
      return "static";
    case nat::MappingInfo::Kind::dynamic:
      return "dynamic";
    case nat::MappingInfo::Kind::explicit_dynamic:
      return "pcp";
  }
  return "";
}

}  // namespace

std::string describe(const nat::SessionInfo& session) {
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
  return json.dump();
}

std::string describe(const nat::MappingInfo& mapping) {
  return nlohmann::ordered_json{{"kind", name(mapping.kind)},
                                {"protocol", net::to_string(mapping.protocol)},
                                {"worker", mapping.worker},
                                {"inside", mapping.inside.to_string()},
                                {"external", mapping.external.to_string()},
                                {"sessions", mapping.sessions}}
      .dump();
}

template <class Row>
PageSlot<Row>* TablePages<Row>::take() {
  const auto found = std::ranges::find(*slots_, PageSlot<Row>::State::idle, &PageSlot<Row>::state);
  if (found == slots_->end()) return nullptr;
  found->state = PageSlot<Row>::State::held;
  return &*found;
}

template <class Row>
void TablePages<Row>::give_back(PageSlot<Row>& slot) {
  using State = typename PageSlot<Row>::State;
  slot.state = slot.state == State::asked ? State::abandoned : State::idle;
}

template <class Row>
void TablePages<Row>::filled(const ring::PageFilled<Row>& answer) {
  using State = typename PageSlot<Row>::State;
  for (auto& slot : *slots_) {
    if (&slot.page != answer.page) continue;
    slot.state = slot.state == State::abandoned ? State::idle : State::filled;
    slot.next_cursor = answer.next_cursor;
    slot.last = answer.last;
  }
}

template <class Row>
TableReply<Row>::TableReply(TablePages<Row>& pages, WorkerLinks& workers, std::uint64_t limit,
                            Describe describe, Wanted wanted)
    : pages_{pages},
      workers_{workers},
      limit_{limit},
      describe_{std::move(describe)},
      wanted_{std::move(wanted)} {}

template <class Row>
TableReply<Row>::~TableReply() {
  if (slot_ != nullptr) pages_.give_back(*slot_);
}

template <class Row>
CtlReply::Progress TableReply<Row>::append_to(std::string& text) {
  using State = typename PageSlot<Row>::State;
  if (slot_ == nullptr) {
    slot_ = pages_.take();
    if (slot_ == nullptr) return Progress::more;
    text += '[';
  }
  if (slot_->state == State::asked) return Progress::more;
  if (slot_->state == State::filled) {
    for (std::uint32_t i = 0; i < std::min(slot_->page.count, ring::Page<Row>::capacity); ++i) {
      if (wanted_ && !wanted_(slot_->page.rows[i])) continue;
      if (written_ == limit_) return finish(text);
      text += written_ == 0 ? "\n" : ",\n";
      text += describe_(slot_->page.rows[i]);
      ++written_;
    }
    cursor_ = slot_->last ? 0 : slot_->next_cursor;
    if (slot_->last) worker_ = WorkerId{static_cast<std::uint8_t>(worker_.value() + 1)};
    slot_->state = State::held;
  }
  if (worker_.value() == workers_.size()) return finish(text);
  slot_->page.count = 0;
  if (workers_.try_send(worker_, ring::PageQuery<Row>{&slot_->page, cursor_})) slot_->state = State::asked;
  return Progress::more;
}

template <class Row>
CtlReply::Progress TableReply<Row>::finish(std::string& text) {
  text += written_ == 0 ? "]" : "\n]";
  return Progress::finished;
}

template class TablePages<nat::SessionInfo>;
template class TablePages<nat::MappingInfo>;
template class TablePages<nat::PinholeInfo>;
template class TableReply<nat::SessionInfo>;
template class TableReply<nat::MappingInfo>;
template class TableReply<nat::PinholeInfo>;

}  // namespace rgw::control
