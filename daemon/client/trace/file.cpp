// SPDX-License-Identifier: GPL-2.0-only
#include "client/trace/file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/file.h"

namespace slo::client {
namespace {

constexpr mode_t owner_only = 0600;

Error exists(const std::string& name) {
  return {.tried = "write", .subject = name, .errno_value = EEXIST, .advice = "--force overwrites it"};
}

}  // namespace

Result<void> TraceFile::check(const std::string& name, bool overwrite) {
  if (name == "-") {
    if (isatty(STDOUT_FILENO) == 0) return {};
    return std::unexpected(Error{.tried = "write a trace to a terminal", .advice = "give a file: -o FILE"});
  }
  if (!overwrite && faccessat(AT_FDCWD, name.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0)
    return std::unexpected(exists(name));
  return {};
}

Result<TraceFile> TraceFile::open(const std::string& name, bool overwrite) {
  if (name == "-") {
    Fd output(fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0));
    if (!output) return std::unexpected(Error{"write to", "standard output", errno, ""});
    return TraceFile("standard output", std::move(output));
  }
  const int how = O_WRONLY | O_CREAT | O_CLOEXEC | (overwrite ? O_TRUNC : O_EXCL);
  Fd file(::open(name.c_str(), how, owner_only));
  if (file) return TraceFile(name, std::move(file));
  if (errno == EEXIST) return std::unexpected(exists(name));
  return std::unexpected(Error{"write", name, errno, ""});
}

Result<void> TraceFile::write(std::span<const std::byte> bytes) {
  if (const auto written = write_all(fd_.get(), bytes); !written)
    return std::unexpected(Error{"write", name_, written.error(), ""});
  written_ += bytes.size();
  return {};
}

}  // namespace slo::client
