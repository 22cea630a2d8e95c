// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/error.h"
#include "base/fd.h"

namespace slo {

// The daemon's end of a pipe through which somebody else reads a trace. Never blocks, whatever the reader
// does. The process has to ignore SIGPIPE.
class TracePipe {
 public:
  struct Ends;
  [[nodiscard]] static Result<Ends> make();

  // How many of the bytes the pipe took: fewer than there are when it is full, or the reader gone.
  [[nodiscard]] std::size_t put(std::span<const std::byte> bytes);
  // Nobody will ever read what is put into it.
  [[nodiscard]] bool reader_gone() const;

 private:
  explicit TracePipe(Fd fd) : fd_(std::move(fd)) {}

  Fd fd_;
  bool broken_ = false;
};

struct TracePipe::Ends {
  Fd reader;  // as usual: reading waits for more
  TracePipe writer;
};

}  // namespace slo
