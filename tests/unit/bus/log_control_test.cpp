// SPDX-License-Identifier: GPL-2.0-only
#include "bus/log_control.h"

#include <gtest/gtest.h>

namespace slo {
namespace {

class BusLogControlTest : public testing::Test {
 protected:
  ~BusLogControlTest() override { static_cast<void>(set_log_level(before_)); }

 private:
  std::string before_ = log_level();
};

TEST_F(BusLogControlTest, a_level_that_is_set_is_the_level) {
  for (const char* word : {"debug", "info", "warning", "err", "crit", "emerg"}) {
    EXPECT_TRUE(set_log_level(word));
    EXPECT_EQ(log_level(), word);
  }
}

TEST_F(BusLogControlTest, words_of_syslog_without_a_level_of_their_own_are_the_next_one) {
  EXPECT_TRUE(set_log_level("notice"));
  EXPECT_EQ(log_level(), "info");
  EXPECT_TRUE(set_log_level("alert"));
  EXPECT_EQ(log_level(), "emerg");
}

TEST_F(BusLogControlTest, other_words_change_nothing) {
  EXPECT_TRUE(set_log_level("err"));
  for (const char* word : {"", "error", "DEBUG", "3", "off"}) EXPECT_FALSE(set_log_level(word)) << word;
  EXPECT_EQ(log_level(), "err");
}

}  // namespace
}  // namespace slo
