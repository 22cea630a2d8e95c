// SPDX-License-Identifier: GPL-2.0-only
#include "client/trace/file.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include "base/file.h"

namespace slo::client {
namespace {

namespace fs = std::filesystem;

constexpr mode_t owner_only = 0600;
constexpr int most_links = 40;  // as the kernel follows

Error exists(const std::string& name) {
  return {.tried = "write", .subject = name, .errno_value = EEXIST, .advice = "--force overwrites it"};
}

fs::path directory_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

// Where a link of that directory leads may have no name, or not the one it shows: /dev/stdout leads to one.
bool is_of_proc(const fs::path& directory) {
  struct statfs of{};
  return statfs(directory.c_str(), &of) == 0 && of.f_type == PROC_SUPER_MAGIC;
}

// The name at the end of all links; empty where there is none.
std::optional<fs::path> without_links(fs::path path) {
  for (int links = 0; links < most_links; ++links) {
    std::error_code failed;
    if (!fs::is_symlink(fs::symlink_status(path, failed))) return path;
    const fs::path directory = directory_of(path);
    if (is_of_proc(directory)) return std::nullopt;
    const fs::path target = fs::read_symlink(path, failed);
    if (failed) return std::nullopt;
    path = directory / target;  // which is the target alone where that is absolute
  }
  return std::nullopt;
}

Fd create(const fs::path& path) {
  return Fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, owner_only));
}

// A new file in the place of one that is there. Made beside it first, so that nobody who has the old one
// open, or may open it, sees the trace.
Fd replace(const fs::path& path) {
  std::string fresh = (directory_of(path) / ".scx-slo-trace-XXXXXX").string();
  Fd file(mkostemp(fresh.data(), O_CLOEXEC));  // with O_EXCL, for the owner alone
  if (!file || rename(fresh.c_str(), path.c_str()) == 0) return file;
  const int why = errno;
  unlink(fresh.c_str());
  errno = why;
  return Fd();
}

Fd overwrite_file(const std::string& name) {
  if (const auto path = without_links(name)) {
    struct stat there{};
    if (lstat(path->c_str(), &there) != 0) return errno == ENOENT ? create(*path) : Fd();
    if (S_ISREG(there.st_mode)) return replace(*path);
  }
  return Fd(::open(name.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC));
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
  Fd file = overwrite ? overwrite_file(name) : create(name);
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
