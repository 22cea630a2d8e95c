// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <utility>

namespace slo {

// What users wait for, served one of each in turn, so that who asks a lot waits for himself.
template <class Item>
class FairQueue {
 public:
  static constexpr std::size_t most_per_user = 16;
  static constexpr std::size_t most = 1024;

  // False: too much waits already, of this user or of all.
  [[nodiscard]] bool push(std::uint32_t uid, Item item) {
    if (size_ >= most) return false;
    auto& waiting = waiting_[uid];
    if (waiting.size() >= most_per_user) return false;
    waiting.push_back(std::move(item));
    ++size_;
    return true;
  }

  // The oldest of the user whose turn it is.
  [[nodiscard]] std::optional<Item> pop() {
    if (waiting_.empty()) return std::nullopt;
    auto user = waiting_.upper_bound(last_uid_);
    if (user == waiting_.end()) user = waiting_.begin();
    last_uid_ = user->first;
    std::optional<Item> item(std::move(user->second.front()));
    user->second.pop_front();
    if (user->second.empty()) waiting_.erase(user);
    --size_;
    return item;
  }

  [[nodiscard]] bool empty() const { return size_ == 0; }

 private:
  std::map<std::uint32_t, std::deque<Item>> waiting_;  // none of them empty
  std::uint32_t last_uid_ = UINT32_MAX;
  std::size_t size_ = 0;
};

}  // namespace slo
