// SPDX-License-Identifier: GPL-2.0-only
#include "bus/unit_objects.h"

#include <gmock/gmock.h>
#include <malloc.h>

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/bus_names.h"
#include "bus/inner_bus.h"
#include "bus/stats.h"
#include "tests/unit/manager_fixture.h"

namespace slo {
namespace {

constexpr const char* properties_interface = "org.freedesktop.DBus.Properties";
constexpr const char* object_manager = "org.freedesktop.DBus.ObjectManager";
constexpr const char* interface = "org.scxslo.Unit1";

// The objects at one end of a bus, the test at the other.
class BusUnitsTest : public ManagerTest {
 protected:
  BusUnitsTest() {
    sd_event* event = nullptr;
    EXPECT_GE(sd_event_new(&event), 0);
    event_.reset(event);
    bus_ = std::make_unique<InnerBus>(event);
    sd_bus_slot* slot = nullptr;
    EXPECT_GE(sd_bus_add_object_manager(bus_->answering(), &slot, manager_path), 0);
    slots_.emplace_back(slot);
    EXPECT_GE(sd_bus_add_filter(bus_->asking(), &slot, on_signal, this), 0);
    slots_.emplace_back(slot);
    units_ = std::make_unique<BusUnits>(bus_->answering(), manager());
  }
  ~BusUnitsTest() override {
    units_.reset();
    slots_.clear();
  }

  void list(const std::vector<std::string>& names) {
    std::vector<UnitFact> facts;
    for (const auto& name : names) facts.push_back(fact(name, 0));
    manager().units_listed(facts);
    units_->follow({names.begin(), names.end()});
    settle();
  }
  void settle() {
    while (sd_event_run(event_.get(), 0) > 0) continue;
  }
  // The answer, or the name of the error.
  Message call(const std::string& path, const char* of, const char* member, const char* types = "",
               const char* first = nullptr, const char* second = nullptr) {
    sd_bus_slot* slot = nullptr;
    EXPECT_GE(sd_bus_call_method_async(bus_->asking(), &slot, nullptr, path.c_str(), of, member, on_answer,
                                       this, types, first, second),
              0);
    const Slot pending(slot);
    settle();
    return std::move(answer_);
  }
  std::string text(const std::string& unit, const char* property) {
    const auto answer = call(unit_object_path(unit), properties_interface, "Get", "ss", interface, property);
    if (const auto* error = sd_bus_message_get_error(answer.get())) return error->name;
    const char* value = nullptr;
    EXPECT_GE(sd_bus_message_read(answer.get(), "v", "s", &value), 0);
    return value;
  }
  std::uint64_t number(const std::string& unit, const char* property) {
    const auto answer = call(unit_object_path(unit), properties_interface, "Get", "ss", interface, property);
    std::uint64_t value = 0;
    EXPECT_GE(sd_bus_message_read(answer.get(), "v", "t", &value), 0);
    return value;
  }
  // Paths of all objects.
  std::set<std::string> managed() {
    const auto answer = call(manager_path, object_manager, "GetManagedObjects");
    std::set<std::string> paths;
    EXPECT_GE(sd_bus_message_enter_container(answer.get(), 'a', "{oa{sa{sv}}}"), 0);
    while (sd_bus_message_enter_container(answer.get(), 'e', "oa{sa{sv}}") > 0) {
      const char* path = nullptr;
      EXPECT_GE(sd_bus_message_read(answer.get(), "o", &path), 0);
      EXPECT_GE(sd_bus_message_skip(answer.get(), "a{sa{sv}}"), 0);
      EXPECT_GE(sd_bus_message_exit_container(answer.get()), 0);
      paths.insert(path);
    }
    return paths;
  }

  std::unique_ptr<sd_event, Deleter<sd_event_unref>> event_;
  std::unique_ptr<InnerBus> bus_;
  std::vector<Slot> slots_;
  std::unique_ptr<BusUnits> units_;
  std::vector<std::string> signals_;  // "member path: names of what is different"

 private:
  static int on_answer(sd_bus_message* reply, void* userdata, sd_bus_error* /*error*/) {
    static_cast<BusUnitsTest*>(userdata)->answer_ = share(reply);
    return 0;
  }
  static int on_signal(sd_bus_message* message, void* userdata, sd_bus_error* /*error*/) {
    if (sd_bus_message_is_signal(message, nullptr, nullptr) <= 0) return 0;
    std::string text =
        std::string(sd_bus_message_get_member(message)) + " " + sd_bus_message_get_path(message);
    if (sd_bus_message_is_signal(message, properties_interface, "PropertiesChanged") > 0) {
      EXPECT_GE(sd_bus_message_skip(message, "s"), 0);
      EXPECT_GE(sd_bus_message_enter_container(message, 'a', "{sv}"), 0);
      while (sd_bus_message_enter_container(message, 'e', "sv") > 0) {
        const char* property = nullptr;
        EXPECT_GE(sd_bus_message_read(message, "s", &property), 0);
        EXPECT_GE(sd_bus_message_skip(message, "v"), 0);
        EXPECT_GE(sd_bus_message_exit_container(message), 0);
        text += std::string(" ") + property;
      }
    }
    static_cast<BusUnitsTest*>(userdata)->signals_.push_back(text);
    return 0;
  }

  Message answer_;
};

TEST_F(BusUnitsTest, a_unit_is_there_with_its_properties_while_it_has_settings) {
  budget("a.service", "5ms");
  list({"a.service", "b.service"});
  EXPECT_THAT(managed(), ElementsAre("/org/scxslo/unit/a_2eservice"));
  EXPECT_EQ(text("a.service", "Name"), "a.service");
  EXPECT_EQ(number("a.service", "SloBudgetUSec"), 5000U);
  EXPECT_EQ(number("a.service", "SloImportance"), 100U) << "what holds where nothing is set";
  EXPECT_EQ(text("a.service", "SloBudgetOrigin"), "/etc/a.service:2");
  EXPECT_EQ(text("a.service", "SloObjectiveOrigin"), "");
  EXPECT_EQ(text("a.service", "NoSuch"), "org.freedesktop.DBus.Error.UnknownProperty");
  EXPECT_EQ(text("b.service", "Name"), "org.freedesktop.DBus.Error.UnknownObject");
  manager().unit_gone("a.service");
  EXPECT_EQ(text("a.service", "Name"), no_such_unit_error) << "the bus has not heard of it yet";
  units_->follow({"a.service"});
  EXPECT_THAT(managed(), IsEmpty());
  EXPECT_EQ(text("a.service", "Name"), "org.freedesktop.DBus.Error.UnknownObject");
}

TEST_F(BusUnitsTest, the_bus_hears_of_what_is_different_and_of_nothing_else) {
  budget("a.service", "5ms");
  list({"a.service"});
  units_->follow({"a.service", "b.service"});
  manager().unit_changed(fact("a.service", 7));
  units_->follow({"a.service"});
  settle();
  manager().unit_gone("a.service");
  units_->follow({"a.service"});
  settle();
  EXPECT_THAT(signals_,
              ElementsAre("InterfacesAdded /org/scxslo",
                          "PropertiesChanged /org/scxslo/unit/a_2eservice ControlGroup ControlGroupId",
                          "InterfacesRemoved /org/scxslo"));
}

TEST_F(BusUnitsTest, statistics_are_those_of_the_manager) {
  budget("a.service", "5ms");
  list({"a.service"});
  const auto answer = call(unit_object_path("a.service"), interface, "GetStats");
  ASSERT_EQ(sd_bus_message_get_error(answer.get()), nullptr);
  const auto expected = encode_stats(manager().stats("a.service").value());
  std::size_t figures = 0;
  ASSERT_GE(sd_bus_message_enter_container(answer.get(), 'a', "{sv}"), 0);
  while (sd_bus_message_enter_container(answer.get(), 'e', "sv") > 0) {
    const char* name = nullptr;
    const char* type = nullptr;
    ASSERT_GE(sd_bus_message_read(answer.get(), "s", &name), 0);
    ASSERT_GE(sd_bus_message_peek_type(answer.get(), nullptr, &type), 0);
    EXPECT_STREQ(expected.at(name).peekValueType(), type) << name;
    ASSERT_GE(sd_bus_message_skip(answer.get(), "v"), 0);
    ASSERT_GE(sd_bus_message_exit_container(answer.get()), 0);
    ++figures;
  }
  EXPECT_EQ(figures, expected.size());
}

TEST_F(BusUnitsTest, ten_thousand_of_them_need_little_memory) {
  constexpr std::size_t many = 10'000;
  std::vector<std::string> names;
  std::vector<UnitFact> facts;
  for (std::size_t i = 0; i < many; ++i) {
    names.push_back("u" + std::to_string(i) + ".service");
    budget(names.back(), "5ms");
    facts.push_back(fact(names.back(), 0));
  }
  manager().units_listed(facts);
  const auto before = mallinfo2().uordblks;
  for (const auto& name : names) {
    units_->follow({name});
    settle();
    signals_.clear();
  }
  EXPECT_LT((mallinfo2().uordblks - before) / many, 512U);
}

TEST(BusUnits, the_worst_miss_has_its_cause_and_times) {
  const auto worst = encode_worst({.unit = "a.service",
                                   .count = 3,
                                   .job_unit = "b.service",
                                   .miss_ns = 1'000,
                                   .cause = "preempted",
                                   .timestamp_ns = 9,
                                   .budget_ns = 2'000,
                                   .wait_ns = 3'000,
                                   .exec_ns = 4'000});
  EXPECT_EQ(worst.at("Unit").get<std::string>(), "b.service");
  EXPECT_EQ(worst.at("Cause").get<std::string>(), "preempted");
  EXPECT_EQ(worst.at("MissUSec").get<std::uint64_t>(), 1U);
  EXPECT_EQ(worst.at("BudgetUSec").get<std::uint64_t>(), 2U);
  EXPECT_EQ(worst.at("WaitUSec").get<std::uint64_t>(), 3U);
  EXPECT_EQ(worst.at("ExecUSec").get<std::uint64_t>(), 4U);
}

TEST(BusUnits, unit_names_become_object_paths_as_systemd_encodes_them) {
  EXPECT_EQ(unit_object_path("a-b@c.service"), "/org/scxslo/unit/a_2db_40c_2eservice");
}

}  // namespace
}  // namespace slo
