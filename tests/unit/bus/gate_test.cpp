// SPDX-License-Identifier: GPL-2.0-only
#include "bus/gate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/bus_names.h"
#include "bus/inner_bus.h"

namespace slo {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

void must(int result) {
  ASSERT_GE(result, 0);
}

// The gate between a bus that is the test's and objects that are the test's, too.
class GateTest : public testing::Test {
 protected:
  void SetUp() override {
    sd_event* event = nullptr;
    must(sd_event_new(&event));
    event_.reset(event);
    int ends[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
    bus_ = end_of(ends[0], true);
    daemon_ = end_of(ends[1], false);
    sd_bus_slot* slot = nullptr;
    must(sd_bus_add_filter(bus_.get(), &slot, on_bus, this));
    slots_.emplace_back(slot);
    inner_ = std::make_unique<InnerBus>(event);
    must(sd_bus_add_filter(inner_->answering(), &slot, on_objects, this));
    slots_.emplace_back(slot);
    gate_ = std::make_unique<Gate>(daemon_.get(), inner_->asking(), event);
    settle();
  }
  void TearDown() override {
    gate_.reset();
    slots_.clear();
  }

  // As a user's program does; the name on the bus is of that user by `users_`.
  std::uint64_t call(const std::string& sender, const char* interface, const char* member,
                     const std::string& argument = "") {
    sd_bus_message* made = nullptr;
    EXPECT_GE(sd_bus_message_new_method_call(bus_.get(), &made, bus_name, manager_path, interface, member),
              0);
    const Message message(made);
    EXPECT_GE(sd_bus_message_set_sender(made, sender.c_str()), 0);
    if (!argument.empty()) must(sd_bus_message_append(made, "s", argument.c_str()));
    std::uint64_t cookie = 0;
    EXPECT_GE(sd_bus_send(bus_.get(), made, &cookie), 0);
    names_[cookie] = sender + " " + member;
    return cookie;
  }

  void settle() {
    while (sd_event_run(event_.get(), 0) > 0) continue;
  }
  // What the objects hear, until they answer.
  void answer_all() {
    holding_ = false;
    for (const auto& held : std::exchange(held_, {})) answer(held.get());
    settle();
  }

  std::unique_ptr<sd_event, Deleter<sd_event_unref>> event_;
  std::unique_ptr<sd_bus, Deleter<sd_bus_close_unref>> bus_;
  std::unique_ptr<sd_bus, Deleter<sd_bus_close_unref>> daemon_;
  std::unique_ptr<InnerBus> inner_;
  std::unique_ptr<Gate> gate_;
  std::vector<Slot> slots_;

  std::map<std::string, std::uint32_t> users_;  // by name on the bus
  bool allows_ = false;                         // polkit
  bool polkit_answers_ = true;
  bool holding_ = false;  // the objects do not answer
  std::vector<Message> held_;
  std::vector<std::string> heard_;     // members that the objects were called by, in their order
  std::vector<std::string> answered_;  // "sender member: result", in the order of the answers
  int lookups_ = 0;
  int polkit_asked_ = 0;

 private:
  std::unique_ptr<sd_bus, Deleter<sd_bus_close_unref>> end_of(int fd, bool server) {
    sd_bus* bus = nullptr;
    EXPECT_GE(sd_bus_new(&bus), 0);
    std::unique_ptr<sd_bus, Deleter<sd_bus_close_unref>> end(bus);
    EXPECT_GE(sd_bus_set_fd(bus, fd, fd), 0);
    if (server) must(sd_bus_set_server(bus, 1, sd_id128_t{{1}}));
    EXPECT_GE(sd_bus_set_anonymous(bus, 1), 0);
    EXPECT_GE(sd_bus_start(bus), 0);
    EXPECT_GE(sd_bus_attach_event(bus, event_.get(), SD_EVENT_PRIORITY_NORMAL), 0);
    return end;
  }

  void answer(sd_bus_message* call) { EXPECT_GE(sd_bus_reply_method_return(call, "s", "well"), 0); }

  static int on_objects(sd_bus_message* call, void* userdata, sd_bus_error* /*error*/) {
    auto* const self = static_cast<GateTest*>(userdata);
    if (sd_bus_message_is_method_call(call, nullptr, nullptr) <= 0) return 0;
    self->heard_.emplace_back(sd_bus_message_get_member(call));
    if (self->holding_) {
      self->held_.push_back(share(call));
    } else {
      self->answer(call);
    }
    return 1;
  }

  static int on_bus(sd_bus_message* message, void* userdata, sd_bus_error* /*error*/) {
    auto* const self = static_cast<GateTest*>(userdata);
    std::uint64_t cookie = 0;
    if (sd_bus_message_get_reply_cookie(message, &cookie) >= 0) {
      const sd_bus_error* const error = sd_bus_message_get_error(message);
      const char* text = "";
      if (error == nullptr) static_cast<void>(sd_bus_message_read(message, "s", &text));
      self->answered_.push_back(self->names_[cookie] + ": " +
                                (error == nullptr ? text : std::string(error->name) + " " + error->message));
    } else if (sd_bus_message_is_method_call(message, driver_name, "GetConnectionUnixUser") > 0) {
      const char* name = nullptr;
      EXPECT_GE(sd_bus_message_read(message, "s", &name), 0);
      ++self->lookups_;
      EXPECT_GE(sd_bus_reply_method_return(message, "u", self->users_[name]), 0);
    } else if (sd_bus_message_is_method_call(message, nullptr, "CheckAuthorization") > 0) {
      ++self->polkit_asked_;
      if (self->polkit_answers_)
        must(sd_bus_reply_method_return(message, "(bba{ss})", self->allows_ ? 1 : 0, 0, 0));
    } else if (sd_bus_message_is_method_call(message, nullptr, nullptr) > 0) {
      EXPECT_GE(sd_bus_reply_method_return(message, ""), 0);
    }
    return 1;
  }

  std::map<std::uint64_t, std::string> names_;  // of calls, by their cookie
};

TEST_F(GateTest, AnAnswerComesBackAndTheBusIsAskedOnceWhoAsks) {
  users_[":1.7"] = 1000;
  call(":1.7", manager_interface, "ListUnits");
  call(":1.7", manager_interface, "GetUnit", "a.service");
  settle();
  EXPECT_THAT(heard_, ElementsAre("ListUnits", "GetUnit"));
  EXPECT_THAT(answered_, ElementsAre(":1.7 ListUnits: well", ":1.7 GetUnit: well"));
  EXPECT_EQ(lookups_, 1);
}

TEST_F(GateTest, AnOrderOfRootIsNotBehindTheQuestionsOfOthers) {
  users_ = {{":1.1", 0}, {":1.7", 1000}, {":1.8", 1000}};
  holding_ = true;
  for (int i = 0; i < 5; ++i) call(":1.7", manager_interface, "GetAllStats");
  for (int i = 0; i < 5; ++i) call(":1.8", manager_interface, "GetAllStats");
  settle();
  EXPECT_THAT(heard_, ElementsAre("GetAllStats")) << "one at a time";
  call(":1.1", manager_interface, "Detach");
  settle();
  EXPECT_THAT(heard_, ElementsAre("GetAllStats", "Detach"));
  EXPECT_EQ(polkit_asked_, 0);
  answer_all();
  EXPECT_EQ(answered_.size(), 11U);
}

TEST_F(GateTest, WhoAsksTooMuchIsRefusedOverAllHisConnections) {
  users_ = {{":1.1", 0}, {":1.7", 1000}, {":1.8", 1000}};
  holding_ = true;
  for (int i = 0; i < 12; ++i) call(":1.7", manager_interface, "GetAllStats");
  settle();
  for (int i = 0; i < 12; ++i) call(":1.8", manager_interface, "GetAllStats");
  call(":1.1", manager_interface, "ListUnits");
  settle();
  // One of 24 is under way, 16 wait.
  ASSERT_EQ(answered_.size(), 7U);
  for (const auto& answer : answered_)
    EXPECT_THAT(answer, AllOf(HasSubstr("LimitsExceeded"), HasSubstr("more than 16 questions")));
  answer_all();
  EXPECT_EQ(heard_[1], "ListUnits") << "root's turn is the next";
  EXPECT_EQ(heard_.size(), 18U);
}

TEST_F(GateTest, WhatNoMethodTakesIsRefusedBeforeAnybodyIsAsked) {
  users_[":1.7"] = 1000;
  call(":1.7", manager_interface, "GetUnit", std::string(256, 'x'));
  call(":1.7", manager_interface, "GetUnit", std::string(255, 'x'));
  sd_bus_message* made = nullptr;
  must(sd_bus_message_new_method_call(bus_.get(), &made, bus_name, manager_path, manager_interface,
                                      "GetUnit"));
  const Message garbage(made);
  must(sd_bus_message_set_sender(made, ":1.7"));
  must(sd_bus_message_append(made, "a{sv}", 1, "a", "i", 1));
  std::uint64_t cookie = 0;
  must(sd_bus_send(bus_.get(), made, &cookie));
  settle();
  ASSERT_EQ(answered_.size(), 3U);
  EXPECT_THAT(answered_[0], AllOf(HasSubstr("InvalidArgs"), HasSubstr("at most 255 bytes")));
  EXPECT_THAT(answered_[1], HasSubstr("InvalidArgs no method here"));
  EXPECT_THAT(answered_[2], HasSubstr("well"));
  EXPECT_EQ(heard_.size(), 1U);
}

TEST_F(GateTest, OnlyRootSetsAProperty) {
  users_ = {{":1.1", 0}, {":1.7", 1000}};
  call(":1.7", "org.freedesktop.DBus.Properties", "Set", "x");
  call(":1.7", nullptr, "Set", "x");
  call(":1.1", "org.freedesktop.DBus.Properties", "Set", "x");
  settle();
  ASSERT_EQ(answered_.size(), 3U);
  EXPECT_THAT(answered_[0], HasSubstr("AccessDenied only root"));
  EXPECT_THAT(answered_[1], HasSubstr("AccessDenied only root"));
  EXPECT_THAT(answered_[2], HasSubstr("well"));
  EXPECT_EQ(heard_.size(), 1U);
}

TEST_F(GateTest, PolkitIsAskedAboutOthersAndOnceAtATimeForEach) {
  users_ = {{":1.7", 1000}, {":1.8", 1000}};
  polkit_answers_ = false;
  call(":1.7", manager_interface, "Detach");
  call(":1.8", manager_interface, "Attach");
  settle();
  EXPECT_EQ(polkit_asked_, 1);
  ASSERT_EQ(answered_.size(), 1U);
  EXPECT_THAT(answered_[0], AllOf(HasSubstr("Attach"), HasSubstr("LimitsExceeded")));
  EXPECT_TRUE(heard_.empty());
}

TEST_F(GateTest, WhomPolkitAllowsMayAndWhomItDoesNotMayNot) {
  users_ = {{":1.7", 1000}};
  call(":1.7", manager_interface, "Detach");
  settle();
  EXPECT_THAT(answered_.at(0), AllOf(HasSubstr("AccessDenied"), HasSubstr("org.scxslo.detach")));
  EXPECT_TRUE(heard_.empty());
  allows_ = true;
  call(":1.7", manager_interface, "Detach");
  settle();
  EXPECT_THAT(heard_, ElementsAre("Detach"));
  EXPECT_THAT(answered_.at(1), HasSubstr("well"));
}

TEST(Gate, TheUserBehindACallIsItsSenderOnTheInnerBus) {
  EXPECT_EQ(Gate::user_of(Gate::sender_of(0)), 0U);
  EXPECT_EQ(Gate::user_of(Gate::sender_of(1000)), 1000U);
  EXPECT_EQ(Gate::user_of(":1.7"), UINT32_MAX);
  EXPECT_EQ(Gate::user_of(":0.x"), UINT32_MAX);
  EXPECT_EQ(Gate::user_of(""), UINT32_MAX);
}

TEST(Gate, OrdersAreTheMethodsThatChangeSomething) {
  EXPECT_STREQ(action_of(manager_interface, "Detach").value_or(""), "org.scxslo.detach");
  EXPECT_STREQ(action_of("", "Record").value_or(""), "org.scxslo.record");
  EXPECT_FALSE(action_of(manager_interface, "GetAllStats"));
  EXPECT_FALSE(action_of("org.example", "Detach"));
}

}  // namespace
}  // namespace slo
