// SPDX-License-Identifier: GPL-2.0-only
#include "trace/pipe.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace slo {
namespace {

// As much as a process without privileges may ask for; with what it has by itself there would be little room
// for a reader that is late. It is asked for, not needed.
constexpr int wanted_size = 1024 * 1024;

}  // namespace

Result<TracePipe::Ends> TracePipe::make() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return std::unexpected(Error{"make", "a pipe", errno, ""});
  Fd reader(ends[0]);
  Fd writer(ends[1]);
  if (fcntl(writer.get(), F_SETFL, O_NONBLOCK) != 0)
    return std::unexpected(Error{"make", "a pipe", errno, ""});
  static_cast<void>(fcntl(writer.get(), F_SETPIPE_SZ, wanted_size));
  return Ends{.reader = std::move(reader), .writer = TracePipe(std::move(writer))};
}

std::size_t TracePipe::put(std::span<const std::byte> bytes) {
  std::size_t taken = 0;
  while (taken < bytes.size()) {
    const ssize_t n = write(fd_.get(), bytes.data() + taken, bytes.size() - taken);
    if (n > 0) {
      taken += static_cast<std::size_t>(n);
    } else if (n == 0 || errno != EINTR) {
      broken_ = n < 0 && errno != EAGAIN;
      break;
    }
  }
  return taken;
}

bool TracePipe::reader_gone() const {
  pollfd end{.fd = fd_.get(), .events = 0, .revents = 0};
  return broken_ || (poll(&end, 1, 0) == 1 && (end.revents & POLLERR) != 0);
}

}  // namespace slo
