// SPDX-License-Identifier: GPL-2.0-only
#include "bus/documents.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <iterator>
#include <utility>

namespace slo {
namespace {

constexpr std::uint64_t slack_usec = 100'000;

Error failure(const char* tried) {
  return {.tried = tried, .subject = "a pipe", .errno_value = errno};
}

Fd other_end(const Fd& end, int access) {
  return Fd(open(("/proc/self/fd/" + std::to_string(end.get())).c_str(), access | O_NONBLOCK | O_CLOEXEC));
}

// What is in a pipe stays there as long as somebody keeps an end of it.
void empty(const Fd& reader) {
  std::array<char, 4096> unread{};
  while (read(reader.get(), unread.data(), unread.size()) > 0) continue;
}

}  // namespace

std::size_t Documents::readers() {
  std::erase_if(readers_, is_over);
  return readers_.size();
}

bool Documents::is_full_for(std::uint32_t uid) {
  if (uid == 0) return false;
  std::erase_if(readers_, is_over);
  const auto of = [this](std::uint32_t user) {
    return static_cast<std::size_t>(std::ranges::count(readers_, user, &Reader::uid));
  };
  return readers_.size() - of(0) >= most || of(uid) >= most_per_user;
}

Result<Fd> Documents::hand_out(std::uint32_t uid, Parts parts) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return std::unexpected(failure("make"));
  Fd reading(ends[0]);
  Fd writing(ends[1]);
  // Only the end that is ours: who reads may wait.
  if (fcntl(writing.get(), F_SETFL, O_WRONLY | O_NONBLOCK) < 0) return std::unexpected(failure("set up"));
  // Less where the user of the daemon has many pipes already, which is as good.
  static_cast<void>(fcntl(writing.get(), F_SETPIPE_SZ, pipe_bytes));
  readers_.push_back(
      {.documents = this, .uid = uid, .writer = std::move(writing), .parts = std::move(parts)});
  Reader& reader = readers_.back();
  reader.self = std::prev(readers_.end());
  fill(reader);
  watch(reader);
  return reading;
}

void Documents::watch(Reader& reader) {
  sd_event_source* source = nullptr;
  if (!reader.complete) {
    check(sd_event_add_io(event_, &source, reader.writer.get(), EPOLLOUT | EPOLLET, on_room, &reader),
          "follow who reads statistics");
    reader.room.reset(source);
  }
  check(sd_event_add_time_relative(event_, &source, CLOCK_MONOTONIC, patience_usec_, slack_usec, on_patience,
                                   &reader),
        "follow who reads statistics");
  reader.patience.reset(source);
}

void Documents::fill(Reader& reader) {
  while (!reader.complete) {
    if (reader.left.empty()) {
      auto part = reader.parts();
      if (!part) {
        close_writer(reader);
        return;
      }
      reader.left = *std::move(part);
    }
    const auto written = write(reader.writer.get(), reader.left.data(), reader.left.size());
    if (written < 0) return;  // it is full, or its end is told by epoll
    reader.left.erase(0, static_cast<std::size_t>(written));
  }
}

// So that who reads comes to the end. It counts as a reader until it is there.
void Documents::close_writer(Reader& reader) {
  reader.complete = true;
  reader.unread = other_end(reader.writer, O_RDONLY);
  reader.room.reset();
  reader.writer = Fd();
}

// Or will never be, as nobody but us could. That shows at a writing end while we have no reading one; whoever
// comes to the end of the document in that instant waits for as long.
bool Documents::is_over(Reader& reader) {
  int unread = 0;
  if (!reader.complete) return false;
  if (ioctl(reader.unread.get(), FIONREAD, &unread) < 0 || unread == 0) return true;
  const Fd writer = other_end(reader.unread, O_WRONLY);
  reader.unread = Fd();
  pollfd end{.fd = writer.get(), .events = 0, .revents = 0};
  if (!writer || poll(&end, 1, 0) != 0) return true;
  reader.unread = other_end(writer, O_RDONLY);
  return false;
}

int Documents::on_room(sd_event_source* /*source*/, int /*fd*/, std::uint32_t revents, void* userdata) {
  auto* const reader = static_cast<Reader*>(userdata);
  Documents* const self = reader->documents;
  // An error is the end of the last who could have read it.
  if ((revents & (EPOLLERR | EPOLLHUP)) != 0) {
    self->readers_.erase(reader->self);
    return 0;
  }
  static_cast<void>(sd_event_source_set_time_relative(reader->patience.get(), self->patience_usec_));
  fill(*reader);
  return 0;
}

int Documents::on_patience(sd_event_source* /*source*/, std::uint64_t /*usec*/, void* userdata) {
  auto* const reader = static_cast<Reader*>(userdata);
  if (!reader->complete) close_writer(*reader);
  empty(reader->unread);
  reader->documents->readers_.erase(reader->self);
  return 0;
}

}  // namespace slo
