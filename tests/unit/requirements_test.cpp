// SPDX-License-Identifier: GPL-2.0-only
#include "requirements.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fakes.h"

namespace slo {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Requirements : public testing::Test {
 protected:
  Requirements() {
    root_.write("sys/fs/cgroup/cgroup.controllers", "cpu memory\n");
    root_.write("sys/kernel/btf/vmlinux", "\x9f\xeb");
    root_.write("sys/kernel/sched_ext/state", "disabled\n");
  }

  [[nodiscard]] std::vector<std::string> missing(Capabilities have = {.bpf = true, .perfmon = true}) const {
    return missing_requirements(root_.path(), have);
  }

  void remove(const char* path) { std::filesystem::remove_all(root_.path() / path); }

  [[nodiscard]] Capabilities capabilities_of(const std::string& effective) const {
    root_.write("proc/self/status", "Name:\tx\nCapInh:\t000000ffffffffff\nCapEff:\t" + effective +
                                        "\nCapBnd:\t000000ffffffffff\n");
    return own_capabilities(root_.path());
  }

  fakes::TemporaryDirectory root_;
};

TEST_F(Requirements, AMachineThatHasEverythingLacksNothing) {
  EXPECT_THAT(missing(), IsEmpty());
}

TEST_F(Requirements, NameWhatIsMissingAndTheFix) {
  remove("sys/fs/cgroup/cgroup.controllers");
  EXPECT_THAT(missing(),
              ElementsAre(AllOf(HasSubstr("cgroup v2"), HasSubstr("systemd.unified_cgroup_hierarchy=1"))));
  root_.write("sys/fs/cgroup/cgroup.controllers", "cpu\n");

  remove("sys/kernel/btf");
  EXPECT_THAT(missing(),
              ElementsAre(AllOf(HasSubstr("type information"), HasSubstr("CONFIG_DEBUG_INFO_BTF=y"))));
  root_.write("sys/kernel/btf/vmlinux", "x");

  remove("sys/kernel/sched_ext");
  EXPECT_THAT(missing(), ElementsAre(AllOf(HasSubstr("no sched_ext"), HasSubstr("6.12"))));
}

TEST_F(Requirements, TellUnreadableFromMissing) {
  remove("sys/kernel/btf/vmlinux");
  std::filesystem::create_directory(root_.path() /
                                    "sys/kernel/btf/vmlinux");  // opens, but reading fails with EISDIR
  EXPECT_THAT(missing(),
              ElementsAre(AllOf(HasSubstr("is there but cannot be read"), HasSubstr("Is a directory"))));
}

TEST_F(Requirements, NameTheOtherScheduler) {
  root_.write("sys/kernel/sched_ext/state", "enabled\n");
  root_.write("sys/kernel/sched_ext/root/ops", "bpfland_1.0\n");
  EXPECT_THAT(missing(), ElementsAre(AllOf(HasSubstr("\"bpfland_1.0\" is already active (state enabled)"),
                                           HasSubstr("stop the service"))));
  remove("sys/kernel/sched_ext/root");
  EXPECT_THAT(missing(), ElementsAre(HasSubstr("a sched_ext scheduler is already active")));
  remove("sys/kernel/sched_ext/state");
  EXPECT_THAT(missing(), ElementsAre(HasSubstr("not known whether another scheduler runs")));
}

TEST_F(Requirements, NameEachMissingCapability) {
  EXPECT_THAT(missing({.bpf = false, .perfmon = true}), ElementsAre(HasSubstr("CAP_BPF is missing")));
  EXPECT_THAT(missing({.bpf = true, .perfmon = false}), ElementsAre(HasSubstr("CAP_PERFMON is missing")));
  EXPECT_THAT(missing({}), testing::SizeIs(2));
}

TEST_F(Requirements, ReadTheEffectiveCapabilities) {
  const auto both = capabilities_of("000000c000000000");
  EXPECT_TRUE(both.bpf && both.perfmon);
  const auto bpf_only = capabilities_of("0000008000000000");
  EXPECT_TRUE(bpf_only.bpf);
  EXPECT_FALSE(bpf_only.perfmon);
  const auto admin = capabilities_of("0000000000200000");
  EXPECT_TRUE(admin.bpf && admin.perfmon);
  const auto none = capabilities_of("0000000000000000");
  EXPECT_FALSE(none.bpf || none.perfmon);
}

TEST_F(Requirements, WithoutAReadableStatusThereAreNoCapabilities) {
  const auto missing_file = own_capabilities(root_.path());
  EXPECT_FALSE(missing_file.bpf || missing_file.perfmon);
  const auto garbage = capabilities_of("banana");
  EXPECT_FALSE(garbage.bpf || garbage.perfmon);
}

}  // namespace
}  // namespace slo
