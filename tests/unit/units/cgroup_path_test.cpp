// SPDX-License-Identifier: GPL-2.0-only
#include "units/cgroup_path.h"

#include <gtest/gtest.h>

namespace slo {
namespace {

TEST(CgroupPath, SlicesAreNestedByTheirDashes) {
  EXPECT_EQ(slice_path("-.slice"), "/");
  EXPECT_EQ(slice_path("system.slice"), "/system.slice");
  EXPECT_EQ(slice_path("a-b-c.slice"), "/a.slice/a-b.slice/a-b-c.slice");
  for (const char* wrong :
       {"", "a", ".slice", "-a.slice", "a-.slice", "a--b.slice", "a/b.slice", "a.service"})
    EXPECT_EQ(slice_path(wrong), std::nullopt) << wrong;
}

TEST(CgroupPath, UnitsAreWhereTheirSliceIs) {
  EXPECT_EQ(expected_path("nginx.service", ""), "/system.slice/nginx.service");
  EXPECT_EQ(expected_path("nginx.service", "web-front.slice"), "/web.slice/web-front.slice/nginx.service");
  EXPECT_EQ(expected_path("nginx.service", "-.slice"), "/nginx.service");
  EXPECT_EQ(expected_path("web-front.slice", ""), "/web.slice/web-front.slice");
  EXPECT_EQ(expected_path("init.scope", ""), "/init.scope");
  EXPECT_EQ(expected_path("nginx.service", "no slice"), std::nullopt);
  EXPECT_EQ(expected_path("nginx.timer", ""), std::nullopt);
}

TEST(CgroupPath, InstancesHaveASliceOfTheirTemplate) {
  EXPECT_EQ(expected_path("getty@tty1.service", ""), "/system.slice/system-getty.slice/getty@tty1.service");
  EXPECT_EQ(expected_path("a-b@1.service", ""), "/system.slice/system-a\\x2db.slice/a-b@1.service");
  EXPECT_EQ(expected_path("a@.service", ""), std::nullopt) << "a template is no unit";
}

TEST(CgroupPath, SpecifiersOfTheNameAreExpanded) {
  EXPECT_EQ(expected_path("user@1000.service", "user-%i.slice"),
            "/user.slice/user-1000.slice/user@1000.service");
  EXPECT_EQ(expected_path("a@x.service", "%p.slice"), "/a.slice/a@x.service");
  EXPECT_EQ(expected_path("a@x.service", "%N.slice"), "/a@x.slice/a@x.service");
  EXPECT_EQ(expected_path("a.service", "%H.slice"), std::nullopt) << "the machine's name is not ours to tell";
  EXPECT_EQ(expected_path("a.service", "x%"), std::nullopt);
}

TEST(CgroupPath, NamesThatLookLikeTheKernelsOwnFilesAreEscaped) {
  EXPECT_EQ(cgroup_component("nginx.service"), "nginx.service");
  EXPECT_EQ(cgroup_component("_x.service"), "__x.service");
  EXPECT_EQ(cgroup_component("cgroup.service"), "_cgroup.service");
  EXPECT_EQ(cgroup_component("memory.service"), "_memory.service");
  EXPECT_EQ(cgroup_component("memory-hog.service"), "memory-hog.service");
  EXPECT_EQ(expected_path("cpu.service", ""), "/system.slice/_cpu.service");
}

}  // namespace
}  // namespace slo
