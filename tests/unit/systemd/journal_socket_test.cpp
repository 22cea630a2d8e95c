// SPDX-License-Identifier: GPL-2.0-only
#include "systemd/journal_socket.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <string>

#include "systemd/journal.h"
#include "tests/unit/fakes.h"

namespace slo {
namespace {

using testing::HasSubstr;
using testing::Not;

// What journald is to the daemon: a socket that somebody reads, or not.
class JournalSocketTest : public testing::Test {
 protected:
  void SetUp() override {
    reader_ = Fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path().copy(address.sun_path, sizeof(address.sun_path) - 1);
    ASSERT_EQ(bind(reader_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  }

  std::string path() const { return directory_.path() / "socket"; }

  // The next entry, whichever way it comes; empty: there is none.
  std::string read_entry() {
    std::string bytes(1 << 18, '\0');
    iovec place{.iov_base = bytes.data(), .iov_len = bytes.size()};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))]{};
    msghdr message{};
    message.msg_iov = &place;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof(control);
    const auto got = recvmsg(reader_.get(), &message, MSG_DONTWAIT);
    if (got < 0) return {};
    const cmsghdr* const header = CMSG_FIRSTHDR(&message);
    if (header == nullptr) return bytes.substr(0, static_cast<std::size_t>(got));
    int number = -1;
    std::memcpy(&number, CMSG_DATA(header), sizeof(number));
    const Fd file(number);
    EXPECT_EQ(fcntl(file.get(), F_GET_SEALS) & F_SEAL_WRITE, F_SEAL_WRITE);
    std::string text;
    lseek(file.get(), 0, SEEK_SET);
    for (ssize_t n = 0; (n = read(file.get(), bytes.data(), bytes.size())) > 0;)
      text.append(bytes, 0, static_cast<std::size_t>(n));
    return text;
  }

  fakes::TemporaryDirectory directory_;
  Fd reader_;
};

TEST_F(JournalSocketTest, ALineIsAFieldAndMoreLinesAreWrittenWithTheirLength) {
  EXPECT_EQ(to_native({{"MESSAGE", "all is well"}, {"PRIORITY", "6"}}), "MESSAGE=all is well\nPRIORITY=6\n");
  EXPECT_EQ(to_native({{"MESSAGE", "a\nPRIORITY=0"}}),
            "MESSAGE\n" + std::string("\x0c\0\0\0\0\0\0\0", 8) + "a\nPRIORITY=0\n");
}

TEST_F(JournalSocketTest, AnEntryArrivesHoweverLargeItIs) {
  JournalSocket journal(path());
  EXPECT_TRUE(journal.send({{"MESSAGE", "hello"}}));
  EXPECT_EQ(read_entry(), "MESSAGE=hello\n");
  const std::string dump(2 << 20, 'x');
  EXPECT_TRUE(journal.send({{"SCX_SLO_DUMP", dump}}));
  EXPECT_EQ(read_entry(), "SCX_SLO_DUMP=" + dump + "\n");
  EXPECT_EQ(journal.lost(), 0U);
}

TEST_F(JournalSocketTest, WhereNobodyReadsAnEntryIsLostAndCountedAtOnce) {
  JournalSocket journal(path());
  int sent = 0;
  while (journal.send({{"MESSAGE", "hello"}})) ASSERT_LT(++sent, 100'000);
  EXPECT_EQ(journal.lost(), 1U);
  EXPECT_FALSE(journal.send({{"MESSAGE", "hello"}}));
  EXPECT_EQ(journal.lost(), 2U);
  EXPECT_FALSE(JournalSocket(directory_.path() / "nobody").send({{"MESSAGE", "hello"}}));
}

TEST_F(JournalSocketTest, WhatWasLostIsToldOnceThereIsRoomAgain) {
  JournalWriter writer(path());
  for (int i = 0; writer.lost() < 3; ++i) {
    ASSERT_LT(i, 100'000);
    writer.write(Priority::info, "hello");
  }
  while (!read_entry().empty()) continue;
  writer.write(Priority::notice, "again");
  EXPECT_THAT(read_entry(), HasSubstr("MESSAGE=3 lines are lost"));
  EXPECT_THAT(read_entry(), HasSubstr("MESSAGE=again\nPRIORITY=5\n"));
  writer.write(Priority::notice, "and again");
  EXPECT_THAT(read_entry(), Not(HasSubstr("lost")));
}

}  // namespace
}  // namespace slo
