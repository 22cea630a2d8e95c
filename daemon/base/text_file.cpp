// SPDX-License-Identifier: GPL-2.0-only
#include "base/text_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/fd.h"
#include "base/file.h"

namespace slo {
namespace {

namespace fs = std::filesystem;

// No configuration file comes near; systemd itself refuses single lines of this length.
constexpr std::size_t max_file_bytes = std::size_t{1} << 20U;

// Which chmod lets everybody read `path`: of the first directory on the way that may not be entered, or of
// the file itself.
std::string chmod_for(const fs::path& path) {
  fs::path way;
  for (const auto& part : path.parent_path()) {
    way /= part;
    if (faccessat(AT_FDCWD, way.c_str(), X_OK, AT_EACCESS) != 0 && errno == EACCES)
      return "chmod o+x " + way.string();
  }
  std::error_code ignored;
  return (fs::is_directory(path, ignored) ? "chmod o+rx " : "chmod o+r ") + path.string();
}

std::unexpected<FileTrouble> trouble(std::string detail) {
  return std::unexpected(FileTrouble{.line = 0, .detail = std::move(detail)});
}

std::expected<std::string, FileTrouble> checked(std::string content) {
  if (content.size() > max_file_bytes) return trouble("is larger than 1 MiB and was not read");
  if (const auto nul = content.find('\0'); nul != std::string::npos) {
    const auto line = 1 + std::ranges::count(std::string_view(content).substr(0, nul), '\n');
    return std::unexpected(
        FileTrouble{.line = static_cast<unsigned>(line),
                    .detail = "the file holds a NUL byte and was not read; accepted is plain text"});
  }
  return content;
}

}  // namespace

std::string why_unreadable(const fs::path& path, int errno_value) {
  const std::string reason = std::strerror(errno_value);
  if (errno_value == EACCES) return "cannot be read (" + reason + "); run: " + chmod_for(path);
  return "cannot be read (" + reason + ")";
}

std::expected<std::string, FileTrouble> read_text_file(const fs::path& path, std::string_view if_missing) {
  // O_NONBLOCK: a FIFO in the place of a file must not hold us up.
  const Fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file && errno == ENOENT) return trouble(std::string(if_missing));
  if (!file) return trouble(why_unreadable(path, errno));
  struct stat status{};
  if (fstat(file.get(), &status) != 0) return trouble(why_unreadable(path, errno));
  if (S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3)) return std::string();
  if (S_ISDIR(status.st_mode)) return trouble("is a directory where a file is expected, and was not read");
  if (!S_ISREG(status.st_mode)) return trouble("is not a regular file, and was not read");
  auto content = read_all(file.get(), max_file_bytes + 1);
  if (!content) return trouble(why_unreadable(path, content.error()));
  return checked(*std::move(content));
}

}  // namespace slo
