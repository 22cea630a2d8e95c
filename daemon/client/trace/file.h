// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/error.h"
#include "base/fd.h"

namespace slo::client {

// Where a trace is written to: a file for its owner alone, as it tells of other users' tasks; or standard
// output.
class TraceFile {
 public:
  // Whether open() would refuse, asked before anything is recorded. Name "-": standard output. overwrite: a
  // file that exists already is replaced by a new one, as who may read the old one is not to read the trace;
  // what is no regular file, or is open already (/dev/stdout), is written to.
  [[nodiscard]] static Result<void> check(const std::string& name, bool overwrite);
  [[nodiscard]] static Result<TraceFile> open(const std::string& name, bool overwrite);

  [[nodiscard]] Result<void> write(std::span<const std::byte> bytes);
  [[nodiscard]] std::uint64_t written() const { return written_; }

 private:
  TraceFile(std::string name, Fd fd) : name_(std::move(name)), fd_(std::move(fd)) {}

  std::string name_;
  Fd fd_;
  std::uint64_t written_ = 0;
};

}  // namespace slo::client
