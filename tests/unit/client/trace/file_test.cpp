// SPDX-License-Identifier: GPL-2.0-only
// What --force does to what is there: whoever could read it is not to read the trace.
#include "client/trace/file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <string>

#include "base/fd.h"
#include "base/file.h"
#include "tests/unit/fakes.h"

namespace slo::client {
namespace {

namespace fs = std::filesystem;

class ForcedTraceFile : public testing::Test {
 protected:
  [[nodiscard]] fs::path path(const char* name) const { return directory_.path() / name; }
  static std::string content(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  static void write(const fs::path& path, const std::string& text) {
    auto file = TraceFile::open(path.string(), true);
    ASSERT_TRUE(file) << file.error().message();
    ASSERT_TRUE(file->write(std::as_bytes(std::span(text))));
  }
  static void expect_ours_alone(const fs::path& path) {
    struct stat is{};
    ASSERT_EQ(lstat(path.c_str(), &is), 0);
    EXPECT_TRUE(S_ISREG(is.st_mode));
    EXPECT_EQ(is.st_mode & 07777U, 0600U);
    EXPECT_EQ(is.st_uid, geteuid());
    EXPECT_EQ(is.st_nlink, 1U);
  }
  [[nodiscard]] std::size_t files() const {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(directory_.path()), fs::directory_iterator()));
  }

  fakes::TemporaryDirectory directory_;
};

TEST_F(ForcedTraceFile, AFileOfOthersIsReplacedByOneForItsOwnerAlone) {
  const auto trace = directory_.write("web.trace", "old");
  fs::permissions(trace, fs::perms::all);
  if (geteuid() == 0) {
    ASSERT_EQ(chown(trace.c_str(), 65534, 65534), 0);
  }
  const Fd reader(open(trace.c_str(), O_RDONLY | O_CLOEXEC));
  write(trace, "new");
  expect_ours_alone(trace);
  EXPECT_EQ(content(trace), "new");
  EXPECT_EQ(read_all(reader.get()).value(), "old") << "who has it open does not see the trace";
  EXPECT_EQ(files(), 1U) << "nothing else is left";
}

TEST_F(ForcedTraceFile, AnotherNameOfTheFileKeepsWhatItHad) {
  const auto trace = directory_.write("web.trace", "old");
  fs::create_hard_link(trace, path("other"));
  write(trace, "new");
  expect_ours_alone(trace);
  EXPECT_EQ(content(path("other")), "old");
}

TEST_F(ForcedTraceFile, AFileThatIsNotThereIsMade) {
  write(path("web.trace"), "new");
  expect_ours_alone(path("web.trace"));
  fs::create_symlink("later.trace", path("link"));
  write(path("link"), "new");
  expect_ours_alone(path("later.trace"));
}

TEST_F(ForcedTraceFile, WhatALinkLeadsToIsReplaced) {
  const auto trace = directory_.write("web.trace", "old");
  fs::permissions(trace, fs::perms::all);
  fs::create_symlink("web.trace", path("middle"));
  fs::create_symlink(path("middle"), path("link"));
  write(path("link"), "new");
  EXPECT_TRUE(fs::is_symlink(path("link")));
  expect_ours_alone(trace);
  EXPECT_EQ(content(trace), "new");

  fs::create_symlink("circle", path("circle"));
  EXPECT_FALSE(TraceFile::open(path("circle").string(), true));
}

TEST_F(ForcedTraceFile, WhatIsOpenAlreadyIsWrittenTo) {
  const auto trace = directory_.write("web.trace", "old and longer");
  const Fd output(open(trace.c_str(), O_WRONLY | O_CLOEXEC));
  struct stat before{};
  ASSERT_EQ(fstat(output.get(), &before), 0);
  // As /dev/stdout is, where the shell has opened the file.
  fs::create_symlink("/proc/self/fd/" + std::to_string(output.get()), path("stdout"));
  write(path("stdout"), "new");
  struct stat after{};
  ASSERT_EQ(stat(trace.c_str(), &after), 0);
  EXPECT_EQ(after.st_ino, before.st_ino);
  EXPECT_EQ(content(trace), "new");
}

TEST_F(ForcedTraceFile, APipeIsWrittenTo) {
  ASSERT_EQ(mkfifo(path("pipe").c_str(), 0644), 0);
  const Fd reader(open(path("pipe").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  write(path("pipe"), "new");
  std::array<char, 8> got{};
  EXPECT_EQ(read(reader.get(), got.data(), got.size()), 3);
  EXPECT_TRUE(fs::is_fifo(path("pipe")));
  write("/dev/null", "new");
}

TEST_F(ForcedTraceFile, ADirectoryIsRefusedAndStays) {
  EXPECT_FALSE(TraceFile::open(directory_.path().string(), true));
  EXPECT_TRUE(fs::is_directory(directory_.path()));
}

}  // namespace
}  // namespace slo::client
