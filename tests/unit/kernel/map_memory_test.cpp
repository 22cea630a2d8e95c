// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/map_memory.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <utility>

namespace slo {
namespace {

// What may be mapped as a BPF map may.
Fd file_of(off_t size) {
  Fd file(memfd_create("map", MFD_CLOEXEC));
  EXPECT_EQ(ftruncate(file.get(), size), 0);
  return file;
}

TEST(MapMemory, SharesWhatOthersWriteAndRead) {
  const Fd file = file_of(4096);
  auto memory = MapMemory<std::uint64_t>::of(file, 3, "the numbers");
  ASSERT_TRUE(memory);
  ASSERT_EQ(memory->values().size(), 3U);
  const std::uint64_t theirs = 7;
  ASSERT_EQ(pwrite(file.get(), &theirs, sizeof theirs, sizeof theirs), ssize_t{sizeof theirs});
  EXPECT_EQ(memory->values()[1], 7U);
  memory->values()[2] = 9;
  std::uint64_t ours = 0;
  ASSERT_EQ(pread(file.get(), &ours, sizeof ours, 2 * sizeof ours), ssize_t{sizeof ours});
  EXPECT_EQ(ours, 9U);
}

TEST(MapMemory, MovesWithItsOwner) {
  const Fd file = file_of(4096);
  MapMemory<std::uint64_t> memory;
  EXPECT_TRUE(memory.values().empty());
  memory = std::move(*MapMemory<std::uint64_t>::of(file, 1, "the numbers"));
  memory.values()[0] = 5;
  const MapMemory<std::uint64_t> other(std::move(memory));
  ASSERT_EQ(other.values().size(), 1U);
  EXPECT_EQ(other.values()[0], 5U);
}

TEST(MapMemory, WhatCannotBeMappedIsAnErrorThatNamesIt) {
  const auto memory = MapMemory<std::uint64_t>::of(Fd(), 1, "the numbers");
  ASSERT_FALSE(memory);
  EXPECT_TRUE(memory.error().message().starts_with("cannot map the numbers: "));
}

}  // namespace
}  // namespace slo
