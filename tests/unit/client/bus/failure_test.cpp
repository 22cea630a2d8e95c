// SPDX-License-Identifier: GPL-2.0-only
#include "client/bus/failure.h"

#include <gtest/gtest.h>

namespace slo::client {
namespace {

BusError dbus(const std::string& name, const std::string& message = "raw text of the bus") {
  return {"org.freedesktop.DBus.Error." + name, message};
}

TEST(ClientFailure, AStoppedDaemonIsNamedWithTheCommandThatStartsIt) {
  for (const char* name : {"ServiceUnknown", "NameHasNoOwner"}) {
    EXPECT_TRUE(is_not_running(dbus(name)));
    EXPECT_EQ(explain(dbus(name), Command::list, false),
              "scx-slo is not running; start it with: systemctl start scx-slo");
  }
}

TEST(ClientFailure, OtherFailuresAreNotMistakenForAStoppedDaemon) {
  for (const char* name : {"AccessDenied", "NoReply", "FileNotFound", "UnknownObject"})
    EXPECT_FALSE(is_not_running(dbus(name))) << name;
  EXPECT_FALSE(is_not_running({"org.scxslo.Error.NoSuchUnit", "no such unit"}));
  EXPECT_FALSE(is_not_running({"org.example.ServiceUnknown", ""}));
}

TEST(ClientFailure, AUserWhoIsDeniedLearnsToUseSudo) {
  for (const char* name : {"AccessDenied", "InteractiveAuthorizationRequired"})
    EXPECT_EQ(explain(dbus(name), Command::detach, false), "scx-slo: detach needs root: sudo scx-slo detach");
}

TEST(ClientFailure, RootWhoIsDeniedSeesWhatTheDaemonSaid) {
  EXPECT_EQ(explain(dbus("AccessDenied", "polkit said no"), Command::attach, true),
            "scx-slo: polkit said no");
}

TEST(ClientFailure, TheDaemonsOwnWordsArePassedOn) {
  EXPECT_EQ(explain({"org.scxslo.Error.NoSuchUnit", "no unit x.service"}, Command::stats, false),
            "scx-slo: no unit x.service");
}

TEST(ClientFailure, WhatTheDaemonSaysCannotTakeTheTerminalOver) {
  EXPECT_EQ(explain({"org.scxslo.Error.NoSuchUnit", "no unit \x1b[2J\u009b"}, Command::stats, false),
            "scx-slo: no unit \\x1b[2J\\xc2\\x9b");
}

TEST(ClientFailure, AFailureWithoutWordsIsNamed) {
  EXPECT_EQ(explain({"org.example.Odd", ""}, Command::reload, true),
            "scx-slo: reload failed: org.example.Odd");
}

TEST(ClientFailure, SilenceAndAMissingBusHaveTheirOwnAdvice) {
  EXPECT_EQ(explain(dbus("NoReply"), Command::status, false),
            "scx-slo did not answer; see: systemctl status scx-slo");
  EXPECT_NE(
      explain(dbus("FileNotFound", "No such file"), Command::status, false).find("system bus: No such file"),
      std::string::npos);
}

}  // namespace
}  // namespace slo::client
