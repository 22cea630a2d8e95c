// SPDX-License-Identifier: GPL-2.0-only
#include "attachment/limits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "bpf/policy/group.h"
#include "tests/unit/fakes.h"

namespace slo {
namespace {

using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

std::vector<std::string> sentences(const std::vector<UnkeptSetting>& unkept) {
  std::vector<std::string> all;
  for (const auto& one : unkept) all.push_back(to_sentence(one));
  return all;
}

// A limited unit with `depth` groups one in the other below it; their paths end in their depth.
std::vector<CpuGroup> nested(unsigned depth) {
  std::vector<CpuGroup> groups{{.path = "/top.slice", .limited = true}};
  for (unsigned i = 1; i <= depth; ++i)
    groups.push_back({.path = groups.back().path + "/g" + std::to_string(i), .limited = false});
  return groups;
}

TEST(SetLimits, TheTreeIsReadWhereTheCpuControllerIs) {
  const fakes::TemporaryDirectory root;
  root.write("sys/fs/cgroup/cpu.stat", "usage_usec 1\n");
  root.write("sys/fs/cgroup/system.slice/cpu.max", "max 100000\n");
  root.write("sys/fs/cgroup/system.slice/web.service/cpu.max", "20000 100000\n");
  root.write("sys/fs/cgroup/system.slice/dbus.service/cgroup.procs", "");
  root.write("sys/fs/cgroup/user.slice/a/b/cpu.max", "max 100000\n");
  std::vector<std::string> seen;
  for (const auto& [path, limited] : read_cpu_groups(root.path()))
    seen.push_back(path + (limited ? " limited" : ""));
  EXPECT_THAT(seen,
              UnorderedElementsAre("/system.slice", "/system.slice/web.service limited", "/user.slice/a/b"));
  const auto at = [&seen](const std::string& path) { return std::ranges::find(seen, path); };
  EXPECT_LT(at("/system.slice"), at("/system.slice/web.service limited"));
}

TEST(SetLimits, WithoutControlGroupsThereAreNone) {
  const fakes::TemporaryDirectory root;
  EXPECT_THAT(read_cpu_groups(root.path()), IsEmpty());
}

TEST(SetLimits, WhatFitsIsKept) {
  EXPECT_THAT(unkept_limits({}, true), IsEmpty());
  EXPECT_THAT(unkept_limits(nested(SLO_GROUP_DEPTH_MAX - 1), true), IsEmpty());
  std::vector<CpuGroup> groups;
  for (unsigned i = 0; i < SLO_LIMITS; ++i)
    groups.push_back({.path = "/u" + std::to_string(i) + ".service", .limited = true});
  EXPECT_THAT(unkept_limits(groups, true), IsEmpty());
}

TEST(SetLimits, MoreThanThereArePlacesForAreNamedAsFarAsThatHelps) {
  std::vector<CpuGroup> groups;
  for (unsigned i = 0; i < SLO_LIMITS + 2; ++i)
    groups.push_back({.path = "/u" + std::to_string(i) + ".service", .limited = true});
  EXPECT_THAT(unkept_limits(groups, true), ElementsAre(unkept_limit("u4096.service", WhyUnkept::no_place),
                                                       unkept_limit("u4097.service", WhyUnkept::no_place)));
  for (unsigned i = 0; i < 100; ++i)
    groups.push_back({.path = "/v" + std::to_string(i) + ".service", .limited = true});
  EXPECT_THAT(unkept_limits(groups, true), SizeIs(SLO_UNKEPTS));
}

TEST(SetLimits, OneTooFarUpIsNamedOnceWithTheFirstGroupThatIsTooDeep) {
  auto groups = nested(SLO_GROUP_DEPTH_MAX + 5);
  groups[SLO_GROUP_DEPTH_MAX].path += ".scope";
  for (auto i = groups.begin() + SLO_GROUP_DEPTH_MAX + 1; i != groups.end(); ++i)
    i->path = (i - 1)->path + "/deeper";
  EXPECT_THAT(sentences(unkept_limits(groups, true)),
              ElementsAre("CPUQuota= is not kept for g16.scope: it is set 16 or more control groups "
                          "further up"));
}

TEST(SetLimits, ALimitInBetweenDoesNotMakeUpForTheOneAbove) {
  auto groups = nested(SLO_GROUP_DEPTH_MAX + 5);
  for (const unsigned nearer : {1U, SLO_GROUP_DEPTH_MAX / 2U, SLO_GROUP_DEPTH_MAX + 1U}) {
    groups[nearer].limited = true;
    EXPECT_THAT(unkept_limits(groups, true), ElementsAre(unkept_limit("g16", WhyUnkept::too_deep)));
  }
}

TEST(SetLimits, GroupsBesideEachOtherAreNotAboveEachOther) {
  auto groups = nested(SLO_GROUP_DEPTH_MAX - 1);
  groups.push_back({.path = "/top.slice-2", .limited = false});
  for (unsigned i = 0; i < SLO_GROUP_DEPTH_MAX; ++i)
    groups.push_back({.path = groups.back().path + "/x", .limited = false});
  EXPECT_THAT(unkept_limits(groups, true), IsEmpty());
}

TEST(SetLimits, WhereTheKernelDoesNotShowThemNoneIsKept) {
  const std::vector<CpuGroup> groups{{.path = "/system.slice", .limited = false},
                                     {.path = "/system.slice/web.service", .limited = true},
                                     {.path = "/system.slice/a.service/inner", .limited = true}};
  EXPECT_THAT(sentences(unkept_limits(groups, false)),
              ElementsAre("CPUQuota= is not kept for web.service: this kernel does not show limits to a "
                          "scheduler",
                          "CPUQuota= is not kept for a.service: this kernel does not show limits to a "
                          "scheduler"));
  const std::vector<CpuGroup> other{{.path = "/docker/0123", .limited = true}};
  EXPECT_THAT(unkept_limits(other, false), ElementsAre(Field(&UnkeptSetting::unit, "0123")));
}

TEST(SetLimits, StrictlyWhatIsNotKeptStandsInTheWayOfEnforcing) {
  Requirements requirements;
  require_kept({}, requirements);
  EXPECT_THAT(requirements.enforcing, IsEmpty());
  require_kept({unkept_limit("web.service", WhyUnkept::not_shown)}, requirements);
  EXPECT_THAT(requirements.enforcing,
              ElementsAre("CPUQuota= is not kept for web.service: this kernel does not show limits to a "
                          "scheduler; Strict=yes is set: change the unit, or set Strict=no in "
                          "/etc/scx-slo/scx-slo.conf, then type: systemctl reload-or-restart scx-slo"));
  EXPECT_THAT(requirements.fatal, IsEmpty());
  Requirements several;
  require_kept(std::vector(3, unkept_limit("web.service", WhyUnkept::no_place)), several);
  EXPECT_THAT(several.enforcing, ElementsAre(HasSubstr("can have one, and 2 more like it; Strict=yes")));
}

}  // namespace
}  // namespace slo
