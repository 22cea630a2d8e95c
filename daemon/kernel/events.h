// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <span>

#include "base/error.h"

struct ring_buffer;

namespace slo {

// The daemon's end of the ring buffer of events.
class EventRing {
 public:
  using Take = std::function<void(std::span<const std::byte>)>;

  [[nodiscard]] static Result<std::unique_ptr<EventRing>> make(int map_fd);
  ~EventRing();
  EventRing(const EventRing&) = delete;
  EventRing& operator=(const EventRing&) = delete;

  [[nodiscard]] int fd() const;  // readable while records wait
  // Hands out what waits. An exception of `take` ends it and comes out; that record is not handed out again.
  void drain(const Take& take);

 private:
  EventRing() = default;
  static int on_record(void* self, void* data, std::size_t size) noexcept;

  ring_buffer* ring_ = nullptr;
  const Take* take_ = nullptr;  // while drain() runs
  std::exception_ptr thrown_;
};

}  // namespace slo
