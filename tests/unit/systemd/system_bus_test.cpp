// SPDX-License-Identifier: GPL-2.0-only
#include "systemd/system_bus.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <system_error>

#include "base/fd.h"
#include "tests/unit/fakes.h"

namespace slo {
namespace {

class SystemBusTest : public testing::Test {
 protected:
  void SetUp() override {
    sd_event* event = nullptr;
    ASSERT_GE(sd_event_new(&event), 0);
    event_.reset(event);
    const std::string path = directory_.path() / "bus";
    listener_ = Fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    ASSERT_EQ(bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    ASSERT_EQ(setenv("DBUS_SYSTEM_BUS_ADDRESS", ("unix:path=" + path).c_str(), 1), 0);
  }
  void TearDown() override { unsetenv("DBUS_SYSTEM_BUS_ADDRESS"); }

  fakes::TemporaryDirectory directory_;
  std::unique_ptr<sd_event, Deleter<sd_event_unref>> event_;
  Fd listener_;
  std::optional<Result<void>> opened_;
  SystemBus::Opened note_ = [this](const Result<void>& outcome) { opened_ = outcome; };
};

TEST_F(SystemBusTest, ABusThatAcceptsAndDoesNotAnswerHoldsNobodyUp) {
  ASSERT_EQ(listen(listener_.get(), 1), 0);
  SystemBus bus(event_.get(), "test", note_);
  const Fd accepted(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  ASSERT_TRUE(accepted);
  // Each of these returns once there is nothing to do at this moment.
  for (int turn = 0; turn < 10; ++turn) ASSERT_GE(sd_event_run(event_.get(), 0), 0);
  EXPECT_FALSE(opened_);
  EXPECT_TRUE(bus.is_open()) << "still at it";
}

TEST_F(SystemBusTest, ABusThatHangsUpIsClosedAndSaidToBe) {
  ASSERT_EQ(listen(listener_.get(), 1), 0);
  SystemBus bus(event_.get(), "test", note_);
  {
    const Fd accepted(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    ASSERT_TRUE(accepted);
  }
  for (int turn = 0; turn < 100 && !opened_; ++turn) ASSERT_GE(sd_event_run(event_.get(), 100'000), 0);
  ASSERT_TRUE(opened_);
  EXPECT_FALSE(*opened_);
  EXPECT_FALSE(bus.is_open());
}

TEST_F(SystemBusTest, NobodyToConnectToIsAnErrorAtOnce) {
  EXPECT_THROW(SystemBus(event_.get(), "test", note_), std::system_error);
}

}  // namespace
}  // namespace slo
