// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <systemd/sd-event.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/fd.h"
#include "base/handle.h"

namespace slo {

// Documents that are made as they are read, each through a pipe of its own. What nobody reads costs no more
// than the pipe holds, and that for no longer than its reader's patience is counted: then it is emptied.
class Documents {
 public:
  static constexpr int pipe_bytes = 64 * 1024;
  static constexpr std::size_t most_per_user = 2;
  static constexpr std::size_t most = 16;
  static constexpr std::uint64_t patience_usec = 5'000'000;  // without anything being read

  // The next part of a document; nothing: that was all.
  using Parts = std::function<std::optional<std::string>()>;

  // The event loop outlives this object.
  explicit Documents(sd_event* event, std::uint64_t patience = patience_usec)
      : event_(event), patience_usec_(patience) {}
  Documents(const Documents&) = delete;
  Documents& operator=(const Documents&) = delete;

  // Whether the user has to wait until one of the readers has ended; root never has.
  [[nodiscard]] bool is_full_for(std::uint32_t uid);
  // What to read the document from. `parts` is called until it has ended, or its reader has.
  [[nodiscard]] Result<Fd> hand_out(std::uint32_t uid, Parts parts);
  // Documents that somebody has still to read.
  [[nodiscard]] std::size_t readers();

 private:
  using EventSource = Handle<sd_event_source, sd_event_source_disable_unref>;
  struct Reader {
    Documents* documents;
    std::uint32_t uid;
    Fd writer;
    Parts parts;
    std::string left = {};  // of the part that did not fit
    bool complete = false;  // all of it is in the pipe, or was
    Fd unread = Fd();       // then our own reading end, which shows what is still there
    EventSource room = {};
    EventSource patience = {};
    std::list<Reader>::iterator self = {};
  };

  static int on_room(sd_event_source* source, int fd, std::uint32_t revents, void* userdata);
  static int on_patience(sd_event_source* source, std::uint64_t usec, void* userdata);
  void watch(Reader& reader);
  static void fill(Reader& reader);
  static void close_writer(Reader& reader);
  [[nodiscard]] static bool is_over(Reader& reader);

  sd_event* event_;
  std::uint64_t patience_usec_;
  std::list<Reader> readers_;
};

}  // namespace slo
