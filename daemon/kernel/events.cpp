// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/events.h"

#include <bpf/libbpf.h>

#include <cerrno>
#include <utility>

#include "base/handle.h"

namespace slo {

Result<std::unique_ptr<EventRing>> EventRing::make(int map_fd) {
  std::unique_ptr<EventRing> ring(new EventRing());
  ring->ring_ = ring_buffer__new(map_fd, on_record, ring.get(), nullptr);
  if (ring->ring_ == nullptr) return std::unexpected(Error{"read", "the ring buffer of events", errno, ""});
  return ring;
}

EventRing::~EventRing() {
  ring_buffer__free(ring_);
}

int EventRing::fd() const {
  return ring_buffer__epoll_fd(ring_);
}

int EventRing::on_record(void* self, void* data, std::size_t size) noexcept {
  auto* const ring = static_cast<EventRing*>(self);
  return guard_callback(
      -ECANCELED, [ring] { ring->thrown_ = std::current_exception(); },
      [&] {
        (*ring->take_)({static_cast<const std::byte*>(data), size});
        return 0;
      });
}

void EventRing::drain(const Take& take) {
  take_ = &take;
  static_cast<void>(ring_buffer__consume(ring_));  // fails by on_record alone
  take_ = nullptr;
  if (thrown_) std::rethrow_exception(std::exchange(thrown_, nullptr));
}

}  // namespace slo
