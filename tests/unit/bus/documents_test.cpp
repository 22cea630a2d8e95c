// SPDX-License-Identifier: GPL-2.0-only
#include "bus/documents.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/file.h"

namespace slo {
namespace {

class DocumentsTest : public testing::Test {
 protected:
  void SetUp() override {
    sd_event* event = nullptr;
    ASSERT_GE(sd_event_new(&event), 0);
    event_.reset(event);
    documents_ = std::make_unique<Documents>(event);
  }

  // So many parts of 1,000 bytes.
  Documents::Parts parts(int number) {
    return [this, number, made = 0]() mutable -> std::optional<std::string> {
      if (made == number) return std::nullopt;
      ++made_;
      return std::string(1000, static_cast<char>('a' + ++made % 26));
    };
  }
  Fd hand_out(std::uint32_t uid, int number) {
    auto document = documents_->hand_out(uid, parts(number));
    EXPECT_TRUE(document);
    fcntl(document->get(), F_SETFL, O_RDONLY | O_NONBLOCK);
    return *std::move(document);
  }
  void settle() {
    while (sd_event_run(event_.get(), 0) > 0) continue;
  }
  std::string read_some(const Fd& document) {
    std::string bytes(1 << 20, '\0');
    const auto got = read(document.get(), bytes.data(), bytes.size());
    return got < 0 ? std::string("nothing yet") : bytes.substr(0, static_cast<std::size_t>(got));
  }

  std::unique_ptr<sd_event, Deleter<sd_event_unref>> event_;
  std::unique_ptr<Documents> documents_;
  int made_ = 0;
};

TEST_F(DocumentsTest, ALongOneIsMadeAsItIsRead) {
  const Fd document = hand_out(1000, 500);
  settle();
  EXPECT_LE(made_, 70) << "no more than the pipe holds, and the part that did not fit";
  std::string all;
  for (std::string some = read_some(document); !some.empty(); some = read_some(document)) {
    ASSERT_NE(some, "nothing yet");
    all += some;
    settle();
  }
  EXPECT_EQ(all.size(), 500'000U);
  EXPECT_EQ(all.substr(499'000, 2), std::string(2, static_cast<char>('a' + 500 % 26)));
  EXPECT_EQ(documents_->readers(), 0U);
}

TEST_F(DocumentsTest, AShortOneEndsOnceItIsRead) {
  const Fd document = hand_out(1000, 2);
  settle();
  EXPECT_EQ(documents_->readers(), 1U) << "it is still there";
  EXPECT_EQ(read_some(document).size(), 2000U);
  settle();
  EXPECT_EQ(documents_->readers(), 0U);
  EXPECT_EQ(read_some(document), "") << "the end, not a wait for more";
}

TEST_F(DocumentsTest, AReaderThatLeavesIsForgottenWhetherItCouldHaveHadAllOfItOrNot) {
  for (const int length : {500, 2}) {
    const Fd other = hand_out(1000, length);
    {
      const Fd document = hand_out(1000, length);
    }
    settle();
    EXPECT_EQ(documents_->readers(), 1U) << length;
    EXPECT_GT(read_some(other).size(), 1000U) << length;
    static_cast<void>(documents_->readers());
    settle();
  }
}

TEST_F(DocumentsTest, EachUserHasTwoAndAllHaveSixteenAndRootIsNotRefused) {
  std::vector<Fd> kept;
  for (std::uint32_t uid = 1; uid <= 8; ++uid) {
    for (int i = 0; i < 2; ++i) {
      ASSERT_FALSE(documents_->is_full_for(uid));
      kept.push_back(hand_out(uid, 1));
      kept.push_back(hand_out(0, 1));
    }
    EXPECT_TRUE(documents_->is_full_for(uid));
  }
  EXPECT_TRUE(documents_->is_full_for(9)) << "sixteen";
  EXPECT_FALSE(documents_->is_full_for(0));
  kept.clear();
  settle();
  EXPECT_FALSE(documents_->is_full_for(1));
}

TEST_F(DocumentsTest, WhatNobodyReadsIsEmptiedAndEnds) {
  documents_ = std::make_unique<Documents>(event_.get(), 1'000);
  const Fd document = hand_out(1000, 500);
  while (documents_->readers() > 0) ASSERT_GE(sd_event_run(event_.get(), 1'000'000), 0);
  int unread = -1;
  ASSERT_EQ(ioctl(document.get(), FIONREAD, &unread), 0);
  EXPECT_EQ(unread, 0);
  EXPECT_EQ(read_some(document), "");
}

}  // namespace
}  // namespace slo
