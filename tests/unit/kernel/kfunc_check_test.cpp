// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/kfunc_check.h"

#include <bpf/btf.h>
#include <elf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/handle.h"
#include "tests/unit/fakes.h"

namespace slo {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;

std::string content(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::span<const std::byte> bytes(const std::string& text) {
  return std::as_bytes(std::span(text));
}

// Type information made by hand: functions with so many parameters, of which the last may be called "aux".
class MadeTypes {
 public:
  MadeTypes() : types_(btf__new_empty()) { integer_ = btf__add_int(types_.get(), "int", 4, BTF_INT_SIGNED); }

  MadeTypes& function(const char* name, int parameters, bool returns = true, bool hidden = false) {
    const int prototype = btf__add_func_proto(types_.get(), returns ? integer_ : 0);
    for (int i = 0; i < parameters; ++i)
      btf__add_func_param(types_.get(), hidden && i == parameters - 1 ? "aux" : "p", integer_);
    btf__add_func(types_.get(), name, linkage_, prototype);
    return *this;
  }
  MadeTypes& structure(const char* name, const char* member) {
    btf__add_struct(types_.get(), name, 4);
    btf__add_field(types_.get(), member, integer_, 0, 0);
    return *this;
  }
  MadeTypes& externs() {
    linkage_ = BTF_FUNC_EXTERN;
    return *this;
  }

  [[nodiscard]] std::string raw() const {
    __u32 size = 0;
    const void* data = btf__raw_data(types_.get(), &size);
    return {static_cast<const char*>(data), size};
  }

  // The same as the one section of an object file.
  [[nodiscard]] std::string object() const {
    static constexpr std::string_view names("\0.BTF\0.shstrtab", 16);
    const std::string types = raw();
    Elf64_Ehdr header{};
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_shoff = sizeof(header);
    header.e_shnum = 3;
    header.e_shstrndx = 2;
    Elf64_Shdr sections[3]{};
    const std::size_t begin = sizeof(header) + sizeof(sections);
    sections[1].sh_name = 1;
    sections[1].sh_offset = begin;
    sections[1].sh_size = types.size();
    sections[2].sh_name = 6;
    sections[2].sh_offset = begin + types.size();
    sections[2].sh_size = names.size();
    std::string file(reinterpret_cast<const char*>(&header), sizeof(header));
    file.append(reinterpret_cast<const char*>(sections), sizeof(sections)).append(types).append(names);
    return file;
  }

 private:
  Handle<btf, btf__free> types_;
  int integer_ = 0;
  btf_func_linkage linkage_ = BTF_FUNC_STATIC;
};

KfuncVerdict verdict_of(const MadeTypes& kernel, const MadeTypes& object) {
  const fakes::TemporaryDirectory directory;
  const auto check = KfuncCheck::of(directory.write("vmlinux", kernel.raw()));
  if (!check) throw std::runtime_error(check.error().message());
  return check->judge(bytes(object.object())).value();
}

TEST(KfuncCheck, AFunctionWithoutFlavourIsNeeded) {
  MadeTypes object;
  object.externs().function("there", 2).function("gone", 1).function("broken", 2);
  MadeTypes kernel;
  kernel.function("there", 2).function("broken", 3, true, true);
  const auto verdict = verdict_of(kernel, object);
  EXPECT_THAT(verdict.missing, ElementsAre("gone"));
  EXPECT_THAT(verdict.malformed, ElementsAre("broken"));
}

TEST(KfuncCheck, AFunctionOfAnotherFormIsNotThere) {
  MadeTypes object;
  object.externs().function("more", 2).function("value", 1);
  MadeTypes kernel;
  kernel.function("more", 3).function("value", 1, false);
  EXPECT_THAT(verdict_of(kernel, object).missing, ElementsAre("more", "value"));
}

TEST(KfuncCheck, OneOfAChainIsEnough) {
  MadeTypes object;
  object.externs()
      .function("insert___v2___chain", 4)
      .function("insert___chain", 4, false)
      .function("dispatch___chain", 4, false);
  EXPECT_THAT(verdict_of(MadeTypes().function("insert___v2", 4), object).missing, IsEmpty());
  EXPECT_THAT(verdict_of(MadeTypes().function("insert", 4, false), object).missing, IsEmpty());
  EXPECT_THAT(verdict_of(MadeTypes().function("dispatch", 4, false), object).missing, IsEmpty());
  EXPECT_THAT(verdict_of(MadeTypes().function("other", 4), object).missing, ElementsAre("insert___v2"));
}

TEST(KfuncCheck, AChainIsMalformedOnlyWhenNoneOfItIsUsable) {
  MadeTypes object;
  object.externs().function("new___chain", 2).function("old___chain", 1);
  const auto broken_new = [] { return std::move(MadeTypes().function("new", 3, true, true)); };
  const auto saved = verdict_of(broken_new().function("old", 1), object);
  EXPECT_THAT(saved.malformed, IsEmpty());
  EXPECT_THAT(saved.missing, IsEmpty());
  const auto lost = verdict_of(broken_new(), object);
  EXPECT_THAT(lost.malformed, ElementsAre("new"));
  EXPECT_THAT(lost.missing, IsEmpty());
}

TEST(KfuncCheck, OptionalFunctionsAndThoseOfOurOwnAreNotLookedFor) {
  MadeTypes object;
  object.function("of_our_own", 1).externs().function("gone___optional", 1).function("broken___optional", 1);
  const auto verdict = verdict_of(MadeTypes().function("broken", 2, true, true), object);
  EXPECT_THAT(verdict.missing, IsEmpty());
  EXPECT_THAT(verdict.malformed, IsEmpty());
}

TEST(KfuncCheck, CountsTheMalformedFunctionsOfSchedExtAlone) {
  const fakes::TemporaryDirectory directory;
  const MadeTypes kernel = std::move(MadeTypes()
                                         .function("scx_bpf_one", 2, true, true)
                                         .function("__scx_bpf_two", 2, true, true)
                                         .function("bpf_iter_scx_dsq_new", 4, true, true)
                                         .function("scx_bpf_good", 1)
                                         .function("scx_bpf_good_impl", 2, true, true)
                                         .function("bpf_other", 2, true, true));
  EXPECT_EQ(KfuncCheck::of(directory.write("vmlinux", kernel.raw()))->malformed(), 3U);
}

TEST(KfuncCheck, SeesWhetherAShareIsKeptBackFromRealTimeTasks) {
  const fakes::TemporaryDirectory directory;
  const auto guards = [&directory](const MadeTypes& kernel) {
    return KfuncCheck::of(directory.write("vmlinux", kernel.raw())).value().guards_against_real_time();
  };
  EXPECT_FALSE(guards(MadeTypes()));
  EXPECT_FALSE(guards(MadeTypes().structure("rq", "fair_server").structure("other", "ext_server")));
  EXPECT_TRUE(guards(MadeTypes().structure("rq", "ext_server")));
}

TEST(KfuncCheck, SeesWhetherTheKernelShowsLimits) {
  const fakes::TemporaryDirectory directory;
  const auto shows = [&directory](const MadeTypes& kernel) {
    return KfuncCheck::of(directory.write("vmlinux", kernel.raw())).value().shows_limits();
  };
  EXPECT_FALSE(shows(MadeTypes()));
  EXPECT_FALSE(shows(MadeTypes().structure("cfs_bandwidth", "quota").structure("rq", "hierarchical_quota")));
  EXPECT_TRUE(shows(MadeTypes().structure("cfs_bandwidth", "hierarchical_quota")));
}

TEST(KfuncCheck, WhatCannotBeReadIsAnError) {
  const fakes::TemporaryDirectory directory;
  EXPECT_FALSE(KfuncCheck::of(directory.path() / "missing"));
  EXPECT_FALSE(KfuncCheck::of(directory.write("garbage", "garbage")));

  const auto check = KfuncCheck::of(directory.write("vmlinux", MadeTypes().function("f", 1).raw()));
  ASSERT_TRUE(check);
  EXPECT_FALSE(check->judge({}));
  const std::string object = MadeTypes().externs().function("f", 1).object();
  ASSERT_TRUE(check->judge(bytes(object)));
  for (std::size_t size = 0; size < object.size(); ++size) {
    const std::string cut = object.substr(0, size);
    EXPECT_FALSE(check->judge(bytes(cut))) << size;
  }
}

// The scheduler as it was built, on kernels that Debian built (tests/unit/data/make).
struct Build {
  const char* release;
  std::size_t malformed = 0;
  const char* needed = nullptr;  // a malformed function that the scheduler needs
};

void PrintTo(const Build& build, std::ostream* out) {
  *out << build.release;
}

class KernelBuild : public testing::TestWithParam<Build> {
 protected:
  const KfuncCheck check_ = KfuncCheck::of(std::filesystem::path(SCX_SLO_SOURCE_DIR "/tests/unit/data") /
                                           (std::string(GetParam().release) + ".btf"))
                                .value();

  [[nodiscard]] KfuncVerdict judge(const char* object) const {
    const std::string file = content(std::filesystem::path(SCX_SLO_BPF_OBJECTS) / object);
    return check_.judge(bytes(file)).value();
  }
};

class HealthyKernel : public KernelBuild {};
class BrokenKernel : public KernelBuild {};
class KernelWithoutSchedExt : public KernelBuild {};

TEST_P(HealthyKernel, HasAllThatTheSchedulerNeeds) {
  const auto verdict = judge("scheduler.bpf.o");
  EXPECT_THAT(verdict.malformed, IsEmpty());
  EXPECT_THAT(verdict.missing, IsEmpty());
  EXPECT_EQ(check_.malformed(), 0U);
}

TEST_P(BrokenKernel, IsToldApart) {
  const auto verdict = judge("scheduler.bpf.o");
  EXPECT_THAT(verdict.malformed, Contains(GetParam().needed));
  EXPECT_THAT(verdict.missing, IsEmpty());
  EXPECT_EQ(check_.malformed(), GetParam().malformed);
}

TEST_P(KernelWithoutSchedExt, LacksFunctionsThatNobodyDescribesWrongly) {
  const auto verdict = judge("scheduler.bpf.o");
  EXPECT_THAT(verdict.malformed, IsEmpty());
  EXPECT_THAT(verdict.missing, Contains("scx_bpf_create_dsq"));
  EXPECT_EQ(check_.malformed(), 0U);
}

TEST_P(KernelBuild, CanBeObserved) {
  const auto verdict = judge("observer.bpf.o");
  EXPECT_THAT(verdict.malformed, IsEmpty());
  EXPECT_THAT(verdict.missing, IsEmpty());
}

const auto healthy =
    testing::Values(Build{"6.12"}, Build{"6.18.15"}, Build{"7.0.13"}, Build{"7.2.13"}, Build{"7.3.4"});
const auto broken =
    testing::Values(Build{"7.1.3", 15, "scx_bpf_kick_cpu"}, Build{"7.1.8", 21, "scx_bpf_create_dsq"},
                    Build{"7.1.13", 19, "scx_bpf_create_dsq"}, Build{"7.2.6", 15, "scx_bpf_pick_idle_cpu"},
                    Build{"7.2.9", 28, "scx_bpf_create_dsq"}, Build{"7.2.11", 18, "scx_bpf_select_cpu_dfl"},
                    Build{"7.2.12", 22, "scx_bpf_create_dsq"});
const auto without_sched_ext = testing::Values(Build{"6.12-stock"});

INSTANTIATE_TEST_SUITE_P(Debian, HealthyKernel, healthy);
INSTANTIATE_TEST_SUITE_P(Debian, BrokenKernel, broken);
INSTANTIATE_TEST_SUITE_P(Debian, KernelWithoutSchedExt, without_sched_ext);
INSTANTIATE_TEST_SUITE_P(Healthy, KernelBuild, healthy);
INSTANTIATE_TEST_SUITE_P(Broken, KernelBuild, broken);
INSTANTIATE_TEST_SUITE_P(WithoutSchedExt, KernelBuild, without_sched_ext);

}  // namespace
}  // namespace slo
