// SPDX-License-Identifier: GPL-2.0-only
#include "units/reserves.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

namespace slo {
namespace {

constexpr std::uint64_t ms = SLO_NSEC_PER_MSEC;

Reserves reserves_of(const std::vector<ReservingUnit>& units, std::uint64_t capacity_permille = 950) {
  return make_reserves(units, capacity_permille);
}

TEST(Reserves, AUnitIsChargedToItsOwnReserve) {
  const auto reserves = reserves_of({{.name = "a", .control_group = "/a", .permille = 500, .slot = 7}});
  EXPECT_EQ(
      reserves.servers,
      (Servers{{server_of_slot(7),
                {.quota_ns = 50 * ms, .burst_ns = 0, .period_ns = 0, .parent = SLO_NO_SLOT, .pad = 0}}}));
  EXPECT_EQ(reserves.server_of.at("a"), server_of_slot(7));
  EXPECT_DOUBLE_EQ(reserves.share_of.at("a"), 0.5);
}

TEST(Reserves, WithoutOneNobodyIsChargedAndTheShareIsWhatIsFree) {
  const auto reserves = reserves_of({{.name = "a", .control_group = "/a", .permille = 350, .slot = 1},
                                     {.name = "b", .control_group = "/b", .importance = 200, .slot = 2},
                                     {.name = "c", .control_group = "/c", .importance = 100, .slot = 3}});
  EXPECT_EQ(reserves.server_of.at("b"), SLO_NO_SLOT);
  EXPECT_EQ(reserves.servers.size(), 1U);
  EXPECT_DOUBLE_EQ(reserves.share_of.at("b"), 0.4);
  EXPECT_DOUBLE_EQ(reserves.share_of.at("c"), 0.2);
}

TEST(Reserves, UnitsBelowASliceShareItsReserveAndTheirOwnIsChargedToItToo) {
  const auto reserves =
      reserves_of({{.name = "web.slice", .control_group = "/web.slice", .permille = 400, .slot = 1},
                   {.name = "a", .control_group = "/web.slice/a", .slot = 2},
                   {.name = "b", .control_group = "/web.slice/b", .permille = 100, .slot = 3},
                   {.name = "c", .control_group = "/web.slicer/c", .slot = 4}});
  EXPECT_EQ(reserves.server_of.at("a"), server_of_slot(1));
  EXPECT_EQ(reserves.server_of.at("b"), server_of_slot(3));
  EXPECT_EQ(reserves.server_of.at("c"), SLO_NO_SLOT) << "it is not below web.slice";
  EXPECT_EQ(reserves.servers.at(server_of_slot(3)).parent, server_of_slot(1));
  EXPECT_EQ(reserves.servers.at(server_of_slot(1)).parent, SLO_NO_SLOT);
}

TEST(Reserves, TheNearestOfSeveralSlicesCounts) {
  const auto reserves =
      reserves_of({{.name = "x.slice", .control_group = "/x", .permille = 400, .slot = 1},
                   {.name = "x-y.slice", .control_group = "/x/y", .permille = 200, .slot = 2},
                   {.name = "a", .control_group = "/x/y/a", .slot = 3}});
  EXPECT_EQ(reserves.server_of.at("a"), server_of_slot(2));
  EXPECT_EQ(reserves.servers.at(server_of_slot(2)).parent, server_of_slot(1));
}

TEST(Reserves, TooMuchIsScaledDownAndTold) {
  const auto reserves = reserves_of({{.name = "a", .control_group = "/a", .permille = 1900, .slot = 1},
                                     {.name = "b", .control_group = "/b", .slot = 2}});
  EXPECT_EQ(reserves.servers.at(server_of_slot(1)).quota_ns, 95 * ms);
  EXPECT_EQ(reserves.scaled, (std::set<std::string, std::less<>>{"a"}));
}

TEST(Reserves, WithoutASlotOfItsOwnAUnitUsesTheReserveAboveIt) {
  const auto reserves = reserves_of({{.name = "x.slice", .control_group = "/x", .permille = 400, .slot = 1},
                                     {.name = "a", .control_group = "/x/a", .permille = 100}});
  EXPECT_EQ(reserves.server_of.at("a"), server_of_slot(1));
  EXPECT_EQ(reserves.servers.size(), 1U);
}

TEST(Reserves, OfNoUnitAreTheOperatorsAndThatOfKernelThreads) {
  const Servers servers = fixed_servers(50, 1900);
  EXPECT_EQ(servers.size(), 2U);
  EXPECT_EQ(servers.at(SLO_SERVER_OPERATOR).quota_ns, 5 * ms);
  EXPECT_EQ(servers.at(SLO_SERVER_OPERATOR).burst_ns, 100 * ms);
  EXPECT_EQ(servers.at(SLO_SERVER_KERNEL).quota_ns, 19 * ms) << "a tenth of what units can have";
  EXPECT_EQ(fixed_servers(0, 1900).count(SLO_SERVER_OPERATOR), 0U);
}

}  // namespace
}  // namespace slo
