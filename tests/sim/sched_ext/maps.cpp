// SPDX-License-Identifier: GPL-2.0-only
#include "maps.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <string>
#include <utility>

namespace slo::sim {
namespace {

// Cgroups with settings, and cgroups that best effort is in.
constexpr std::uint32_t hash_entries = 4096;

std::uint32_t entries_of(const sim_map& described, const Maps::Sizes& sizes) {
  const std::string_view name = described.name;
  const std::uint32_t servers = SLO_SERVERS_FIXED + sizes.capacity + SLO_LIMITS;
  if (name == "stats_map") return sizes.shards * sizes.capacity;
  if (name == "prepaid_map") return sizes.shards * servers;
  if (name == "event_limits") return sizes.capacity;
  if (name == "server_cfgs" || name == "servers") return servers;
  if (name == "run_logs") return sizes.cpus;
  return described.type == bpf::BPF_MAP_TYPE_HASH ? hash_entries : described.max_entries;
}

}  // namespace

Room::Room(std::size_t size) : bytes_(new(alignment) std::byte[std::max<std::size_t>(size, 1)]{}) {}

Map::Map(const sim_map& described, std::uint32_t entries)
    : is_array_(described.type == bpf::BPF_MAP_TYPE_ARRAY),
      forgets_(described.type == bpf::BPF_MAP_TYPE_LRU_HASH),
      key_size_(described.key_size),
      value_size_(described.value_size),
      entries_(entries),
      stride_((std::size_t{described.value_size} + 7) / 8 * 8),
      array_(is_array_ ? stride_ * entries : 0) {}

std::uint64_t Map::key_of(const void* key) const {
  std::uint64_t number = 0;
  std::memcpy(&number, key, key_size_);
  return number;
}

void* Map::lookup(const void* key) {
  const std::uint64_t number = key_of(key);
  if (is_array_) return number < entries_ ? array_.data() + number * stride_ : nullptr;
  const auto found = hash_.find(number);
  if (found == hash_.end()) return nullptr;
  found->second.used = ++uses_;
  return found->second.room.data();
}

void Map::update(const void* key, const void* value) {
  void* there = lookup(key);
  if (there == nullptr) {
    if (forgets_ && hash_.size() >= entries_) forget_one();
    there = hash_.emplace(key_of(key), Slot{Room(value_size_), ++uses_}).first->second.room.data();
  }
  std::memcpy(there, value, value_size_);
}

void Map::erase(std::uint64_t key) {
  const auto found = hash_.find(key);
  if (found == hash_.end()) return;
  retired_.push_back(std::move(found->second.room));
  hash_.erase(found);
}

void Map::forget_one() {
  erase(std::ranges::min_element(hash_, {}, [](const auto& entry) { return entry.second.used; })->first);
}

std::uint32_t Map::index_of(const void* value) const {
  return static_cast<std::uint32_t>(
      static_cast<std::size_t>(static_cast<const std::byte*>(value) - array_.data()) / stride_);
}

std::uint32_t task_storage_size() {
  static const std::uint32_t size = [] {
    slo_u32 count = 0;
    const sim_map* described = sim_maps(&count);
    return std::ranges::find(described, described + count, slo_u32{bpf::BPF_MAP_TYPE_TASK_STORAGE},
                             &sim_map::type)
        ->value_size;
  }();
  return size;
}

Maps::Maps(const Sizes& sizes) {
  slo_u32 count = 0;
  const sim_map* described = sim_maps(&count);
  for (slo_u32 i = 0; i < count; ++i) {
    auto made = std::make_unique<Map>(described[i], entries_of(described[i], sizes));
    *described[i].at = made.get();
    maps_.emplace(described[i].name, std::move(made));
  }
}

void* Maps::storage_of(Task& task, bool create) const {
  if (!task.storage && create) task.storage = std::make_unique<std::byte[]>(task_storage_size());
  return task.storage.get();
}

void* Maps::reserve_event(std::uint64_t size) {
  if (size > sizeof(deadline_event)) return nullptr;
  if (events_.empty()) events_.push_back(std::make_unique<deadline_event>());
  void* event = events_.back().release();
  events_.pop_back();
  return event;
}

void Maps::submit_event(void* event) {
  events_.emplace_back(static_cast<deadline_event*>(event));
  if (on_event_) on_event_(*events_.back());
}

}  // namespace slo::sim
