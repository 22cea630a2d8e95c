// SPDX-License-Identifier: GPL-2.0-only
#pragma once

// The settings of a unit, in the order of the documentation; listed here and nowhere else. Of each: its name
// in the code; the type of its value, which after "Slo" is its key in a file, and the name of its property on
// the bus together with what comes next, and the type of that (of t, UINT64_MAX is infinity, or none); its
// key in JSON; what the property says. dbus/CMakeLists.txt reads this too: no
// parentheses and no semicolons inside.
#define SLO_UNIT_SETTINGS(SETTING)                                                                    \
  SETTING(budget, Budget, USec, t, budget_usec, "UINT64_MAX: infinity")                               \
  SETTING(metric, Metric, , s, metric, "wait, response")                                              \
  SETTING(objective, Objective, , d, objective, "The share of jobs that must keep the budget: 0.999") \
  SETTING(importance, Importance, , t, importance, "1 to 10000: under overload the least goes first") \
  SETTING(reserve, Reserve, PerSecUSec, t, reserve_per_sec_usec, "CPU time, UINT64_MAX: none is set") \
  SETTING(max_exec, MaxExec, USec, t, max_exec_usec, "UINT64_MAX: there is no budget")
