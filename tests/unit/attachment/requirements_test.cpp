// SPDX-License-Identifier: GPL-2.0-only
#include "attachment/requirements.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "tests/unit/fakes.h"

namespace slo {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class RequirementsTest : public testing::Test {
 protected:
  RequirementsTest() {
    root_.write("sys/fs/cgroup/cgroup.controllers", "cpu memory\n");
    root_.write("sys/kernel/btf/vmlinux", "\x9f\xeb");
    root_.write("sys/kernel/sched_ext/state", "disabled\n");
  }

  [[nodiscard]] slo::Requirements check() const { return check_requirements(root_.path(), have_, facts_); }

  void remove(const char* path) { std::filesystem::remove_all(root_.path() / path); }

  [[nodiscard]] Capabilities capabilities_of(const std::string& effective) const {
    root_.write("proc/self/status", "Name:\tx\nCapInh:\t000000ffffffffff\nCapEff:\t" + effective +
                                        "\nCapBnd:\t000000ffffffffff\n");
    return own_capabilities(root_.path());
  }

  fakes::TemporaryDirectory root_;
  Capabilities have_{.bpf = true, .perfmon = true};
  KernelFacts facts_{.release = "6.99.1-test", .scheduler = {}, .observer = {}};
};

TEST_F(RequirementsTest, AMachineThatHasEverythingLacksNothing) {
  const auto found = check();
  EXPECT_THAT(found.fatal, IsEmpty());
  EXPECT_THAT(found.enforcing, IsEmpty());
  EXPECT_EQ(found.other_scheduler, "");
}

TEST_F(RequirementsTest, NameWhatNothingWorksWithoutAndTheFix) {
  remove("sys/fs/cgroup/cgroup.controllers");
  EXPECT_THAT(check().fatal,
              ElementsAre(AllOf(HasSubstr("cgroup v2"), HasSubstr("systemd.unified_cgroup_hierarchy=1"))));
  root_.write("sys/fs/cgroup/cgroup.controllers", "cpu\n");

  remove("sys/kernel/btf");
  EXPECT_THAT(check().fatal,
              ElementsAre(AllOf(HasSubstr("type information"), HasSubstr("CONFIG_DEBUG_INFO_BTF=y"))));
  EXPECT_THAT(check().enforcing, IsEmpty());
}

TEST_F(RequirementsTest, AKernelWithoutSchedExtCanBeObserved) {
  remove("sys/kernel/sched_ext");
  // The functions of what is not there are no news.
  facts_.scheduler.missing = {"scx_bpf_create_dsq"};
  EXPECT_THAT(check().enforcing, ElementsAre(AllOf(HasSubstr("no sched_ext"), HasSubstr("6.12"))));
  EXPECT_THAT(check().fatal, IsEmpty());
}

TEST_F(RequirementsTest, TellUnreadableFromMissing) {
  remove("sys/kernel/btf/vmlinux");
  std::filesystem::create_directory(root_.path() /
                                    "sys/kernel/btf/vmlinux");  // opens, but reading fails with EISDIR
  EXPECT_THAT(check().fatal,
              ElementsAre(AllOf(HasSubstr("is there but cannot be read"), HasSubstr("Is a directory"))));
}

TEST_F(RequirementsTest, NameTheOtherScheduler) {
  root_.write("sys/kernel/sched_ext/state", "enabled\n");
  root_.write("sys/kernel/sched_ext/root/ops", "bpfland_1.0\n");
  EXPECT_EQ(check().other_scheduler, "bpfland_1.0");
  EXPECT_THAT(check().enforcing, IsEmpty());
  EXPECT_THAT(other_scheduler_sentence("bpfland_1.0"),
              AllOf(HasSubstr("bpfland_1.0 is active"), HasSubstr("stop the service")));
  remove("sys/kernel/sched_ext/root");
  EXPECT_THAT(check().other_scheduler, HasSubstr("cannot be read"));
  remove("sys/kernel/sched_ext/state");
  EXPECT_THAT(check().enforcing, ElementsAre(HasSubstr("not known whether another scheduler runs")));
}

TEST_F(RequirementsTest, NameEachMissingCapability) {
  have_ = {.bpf = false, .perfmon = true};
  EXPECT_THAT(check().fatal, ElementsAre(HasSubstr("CAP_BPF is missing")));
  have_ = {.bpf = true, .perfmon = false};
  EXPECT_THAT(check().fatal, ElementsAre(HasSubstr("CAP_PERFMON is missing")));
  have_ = {};
  EXPECT_THAT(check().fatal, SizeIs(2));
  // That no program loads then goes without saying.
  facts_.refused = Error{.tried = "load", .subject = "", .errno_value = EPERM, .advice = ""};
  EXPECT_THAT(check().fatal, SizeIs(2));
}

TEST_F(RequirementsTest, NameWhyBpfItselfDoesNotWork) {
  facts_.refused = Error{.tried = "load", .subject = "", .errno_value = EPERM, .advice = ""};
  EXPECT_THAT(check().fatal, ElementsAre(AllOf(HasSubstr("does nothing (Operation not permitted)"),
                                               HasSubstr("security module"))));
  facts_.refused->errno_value = ENOSYS;
  EXPECT_THAT(check().fatal, ElementsAre(HasSubstr("CONFIG_BPF_SYSCALL=y")));
  facts_.refused->errno_value = EINVAL;
  EXPECT_THAT(check().fatal, ElementsAre(HasSubstr("CONFIG_BPF_EVENTS=y")));
  facts_.refused.reset();
  facts_.jit = false;
  EXPECT_THAT(check().fatal, ElementsAre(HasSubstr("sysctl net.core.bpf_jit_enable=1")));
}

TEST_F(RequirementsTest, SayInOneSentenceThatAKernelWasBuiltWrongly) {
  facts_.release = "7.1.13+deb13-cloud-amd64";
  facts_.scheduler.malformed = {"scx_bpf_create_dsq", "a", "b", "c"};
  facts_.scheduler.missing = {"scx_bpf_gone"};
  facts_.malformed_kfuncs = 19;
  EXPECT_THAT(
      check().enforcing,
      ElementsAre(AllOf(HasSubstr("this kernel (7.1.13+deb13-cloud-amd64)"), HasSubstr("for 19 functions"),
                        HasSubstr("(scx_bpf_create_dsq, a, b, …)"), HasSubstr("boot 7.0, or 7.3 or later"))));
  EXPECT_THAT(check().fatal, IsEmpty());
}

TEST_F(RequirementsTest, NameMissingFunctionsAndWhatTheyAreMissedFor) {
  facts_.scheduler.missing = {"scx_bpf_gone"};
  EXPECT_THAT(check().enforcing,
              ElementsAre(AllOf(HasSubstr("lacks"), HasSubstr("scx_bpf_gone"), HasSubstr("no scheduler"))));
  facts_.scheduler = {};
  facts_.observer.missing = {"bpf_gone"};
  EXPECT_THAT(check().fatal, ElementsAre(AllOf(HasSubstr("bpf_gone"), HasSubstr("nothing can be measured"))));
  EXPECT_THAT(check().enforcing, IsEmpty());
}

TEST_F(RequirementsTest, RefuseCpusTakenAwayOnTheCommandLine) {
  root_.write("sys/devices/system/cpu/isolated", "\n");
  EXPECT_THAT(check().enforcing, IsEmpty());
  root_.write("sys/devices/system/cpu/isolated", "1-3,5\n");
  EXPECT_THAT(check().enforcing, ElementsAre(AllOf(HasSubstr("isolcpus=1-3,5"), HasSubstr("take it off"))));
  EXPECT_THAT(check().fatal, IsEmpty());
}

TEST_F(RequirementsTest, AcceptCpusThatACpusetIsolated) {
  root_.write("sys/devices/system/cpu/isolated", "1\n");
  root_.write("sys/fs/cgroup/a.slice/cpuset.cpus.partition",
              "isolated invalid (Parent is not a partition root)\n");
  root_.write("sys/fs/cgroup/b.slice/cpuset.cpus.partition", "member\n");
  EXPECT_THAT(check().enforcing, ElementsAre(HasSubstr("isolcpus=1")));
  root_.write("sys/fs/cgroup/b.slice/c.slice/cpuset.cpus.partition", "isolated\n");
  EXPECT_THAT(check().enforcing, IsEmpty());
}

TEST_F(RequirementsTest, AKernelThatKeepsNothingBackFromRealTimeTasksIsNoObstacleButACaution) {
  KernelFacts facts;
  facts.release = "6.18.15";
  EXPECT_EQ(caution(facts), "");
  facts.guards_against_real_time = false;
  EXPECT_THAT(caution(facts), AllOf(HasSubstr("6.18.15"), HasSubstr("boot 7.0")));
}

TEST_F(RequirementsTest, ReadTheEffectiveCapabilities) {
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

TEST_F(RequirementsTest, WithoutAReadableStatusThereAreNoCapabilities) {
  const auto missing_file = own_capabilities(root_.path());
  EXPECT_FALSE(missing_file.bpf || missing_file.perfmon);
  const auto garbage = capabilities_of("banana");
  EXPECT_FALSE(garbage.bpf || garbage.perfmon);
}

}  // namespace
}  // namespace slo
