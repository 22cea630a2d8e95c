// SPDX-License-Identifier: GPL-2.0-only
#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/fd.h"

namespace slo {
namespace {

constexpr std::size_t part_size = std::size_t{64} * 1024;
// Many ticks, and a clock that is set a little.
constexpr std::uint64_t settled_ns = 1'000'000'000;

std::unexpected<Error> error_of(const char* tried, const std::filesystem::path& path, int errno_value) {
  return std::unexpected(
      Error{.tried = tried, .subject = path.string(), .errno_value = errno_value, .advice = {}});
}

std::uint64_t ns_of(const timespec& time) {
  constexpr std::uint64_t ns_per_sec = 1'000'000'000;
  return static_cast<std::uint64_t>(time.tv_sec) * ns_per_sec + static_cast<std::uint64_t>(time.tv_nsec);
}

}  // namespace

std::expected<std::string, int> read_all(int fd, std::size_t most) {
  std::string text;
  std::array<char, part_size> part{};
  while (text.size() < most) {
    const ssize_t length = read(fd, part.data(), std::min(part.size(), most - text.size()));
    if (length < 0 && errno == EINTR) continue;
    if (length < 0) return std::unexpected(errno);
    if (length == 0) break;
    text.append(part.data(), static_cast<std::size_t>(length));
  }
  return text;
}

Result<std::string> read_file(const std::filesystem::path& path, std::size_t most) {
  const Fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return error_of("open", path, errno);
  auto text = read_all(file.get(), most);
  if (!text) return error_of("read", path, text.error());
  return *std::move(text);
}

Result<std::string> read_kernel_file(const std::filesystem::path& path, std::size_t most) {
  auto text = read_file(path, most);
  if (text && text->ends_with('\n')) text->pop_back();
  return text;
}

std::optional<FileStamp> stamp_of(const std::string& path) {
  struct stat of{};
  if (stat(path.c_str(), &of) != 0) return std::nullopt;
  return FileStamp{.device = of.st_dev,
                   .inode = of.st_ino,
                   .size = static_cast<std::uint64_t>(of.st_size),
                   .modified_ns = ns_of(of.st_mtim),
                   .changed_ns = ns_of(of.st_ctim)};
}

bool is_settled(const FileStamp& stamp, std::uint64_t realtime_ns) {
  return stamp.changed_ns + settled_ns < realtime_ns;
}

std::expected<void, int> write_all(int fd, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return std::unexpected(errno);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

}  // namespace slo
