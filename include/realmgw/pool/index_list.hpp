// Orders of numbered things: least recently used, next to expire, first to wait.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace rgw::pool {

/// A doubly linked list of numbers. The links lie in a vector that several lists may share, as long as a
/// number is in one of them at a time. Everything is O(1).
class IndexList {
 public:
  using Index = std::uint32_t;
  static constexpr Index none = ~Index{0};
  struct Link {
    Index previous = none, next = none;
  };
  using Links = std::vector<Link>;

  [[nodiscard]] bool empty() const { return first_ == none; }
  [[nodiscard]] std::size_t size() const { return size_; }
  /// The first, or `none`.
  [[nodiscard]] Index first() const { return first_; }
  /// The last, or `none`.
  [[nodiscard]] Index last() const { return last_; }

  /// Only an index that is in no list of these links.
  void push_back(Links& links, Index index) {
    links[index] = {last_, none};
    (last_ == none ? first_ : links[last_].next) = index;
    last_ = index;
    ++size_;
  }
  /// Only an index that is in no list of these links; `next` is in this one.
  void insert_before(Links& links, Index next, Index index) {
    const Index previous = links[next].previous;
    links[index] = {previous, next};
    links[next].previous = index;
    (previous == none ? first_ : links[previous].next) = index;
    ++size_;
  }
  /// Only an index that is in this list.
  void erase(Links& links, Index index) {
    const auto [previous, next] = links[index];
    (previous == none ? first_ : links[previous].next) = next;
    (next == none ? last_ : links[next].previous) = previous;
    --size_;
  }

 private:
  Index first_ = none, last_ = none;
  std::uint32_t size_ = 0;
};

}  // namespace rgw::pool
