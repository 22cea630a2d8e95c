// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "../host/scheduler.h"
#include "../machine/task.h"

namespace slo::sim {

// Room for values, aligned as the kernel's maps are at least.
class Room {
 public:
  explicit Room(std::size_t size);
  [[nodiscard]] std::byte* data() const { return bytes_.get(); }

 private:
  struct Free {
    void operator()(std::byte* bytes) const { ::operator delete[](bytes, alignment); }
  };
  static constexpr std::align_val_t alignment{128};
  std::unique_ptr<std::byte[], Free> bytes_;
};

// A map of the scheduler: an array, a hash, or a hash that forgets what was used least. Keys are numbers of
// up to 8 bytes. An array is mmapable: the daemon reads and writes it in place.
class Map {
 public:
  Map(const sim_map& described, std::uint32_t entries);

  [[nodiscard]] void* lookup(const void* key);
  void update(const void* key, const void* value);
  void erase(std::uint64_t key);
  [[nodiscard]] std::uint32_t value_size() const { return value_size_; }
  // At index, of an array.
  template <typename Value>
  [[nodiscard]] Value& at(std::uint64_t index) {
    return *reinterpret_cast<Value*>(array_.data() + index * stride_);
  }
  // Which of its values lies there: the key that a timer's function gets.
  [[nodiscard]] std::uint32_t index_of(const void* value) const;

 private:
  struct Slot {
    Room room;
    std::uint64_t used = 0;
  };
  [[nodiscard]] std::uint64_t key_of(const void* key) const;
  void forget_one();

  bool is_array_;
  bool forgets_;
  std::uint32_t key_size_, value_size_, entries_;
  std::size_t stride_;
  Room array_;
  std::unordered_map<std::uint64_t, Slot> hash_;
  std::vector<Room> retired_;  // others may look at it still
  std::uint64_t uses_ = 0;
};

// What the scheduler keeps of a task.
[[nodiscard]] std::uint32_t task_storage_size();

// All maps of the object, made anew, as large as the daemon makes them.
class Maps {
 public:
  struct Sizes {
    std::uint32_t cpus = 1, shards = 1, capacity = 16;
  };
  explicit Maps(const Sizes& sizes);

  [[nodiscard]] Map& map(std::string_view name) { return *maps_.at(std::string(name)); }
  [[nodiscard]] static Map& of(void* map) { return **static_cast<Map**>(map); }
  // Of a task; null: it has none, and create is false.
  [[nodiscard]] void* storage_of(Task& task, bool create) const;

  // The ring buffer: what is submitted is taken at once, by whoever listens.
  [[nodiscard]] std::function<void(const deadline_event&)>& on_event() { return on_event_; }
  [[nodiscard]] void* reserve_event(std::uint64_t size);
  void submit_event(void* event);

 private:
  std::unordered_map<std::string, std::unique_ptr<Map>> maps_;
  std::vector<std::unique_ptr<deadline_event>> events_;  // that nobody writes
  std::function<void(const deadline_event&)> on_event_;
};

}  // namespace slo::sim
