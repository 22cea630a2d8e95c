// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "client/figures.h"

namespace slo::client {

// A unit with a figure everywhere, no two of them alike.
inline UnitReport nginx() {
  UnitReport unit;
  unit.name = "nginx.service";
  unit.control_group = "/system.slice/nginx.service";
  unit.control_group_id = 4711;
  unit.budget_usec = 5000;
  unit.budget_origin = "/etc/systemd/system/nginx.service.d/slo.conf:2";
  unit.metric = "wait";
  unit.objective = 0.999;
  unit.max_exec_usec = 100000;
  unit.jobs = 20000;
  unit.misses = 3;
  unit.causes = {.late_start = 2, .preempted = 0, .overlong = 1, .overrun = 0};
  unit.miss_ratio = 3.0 / 20000;
  unit.demotions = 7;
  unit.exec_usec = 2400000;
  unit.wait = {
      .mean_usec = 14, .p50_usec = 12, .p90_usec = 40, .p99_usec = 87, .p999_usec = 910, .max_usec = 6100};
  unit.response = {
      .mean_usec = 260, .p50_usec = 250, .p90_usec = 410, .p99_usec = 990, .p999_usec = {}, .max_usec = 9000};
  return unit;
}

}  // namespace slo::client
