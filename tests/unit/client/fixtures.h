// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <string>

#include "client/figures/limit_report.h"
#include "client/figures/unit_report.h"

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
  unit.importance = 250;
  unit.reserve_per_sec_usec = 500000;
  unit.max_exec_usec = 100000;
  unit.jobs = 20000;
  unit.misses = 3;
  unit.causes = {.late_start = 2, .preempted = 0, .overlong = 1, .overrun = 0, .throttled = 0};
  unit.miss_ratio = 3.0 / 20000;
  unit.demotions = 7;
  unit.renewals = 2;
  unit.exec_usec = 2400000;
  unit.key_exec_usec = 2300000;
  unit.throttled_exec_usec = 50000;
  unit.wait = {.mean_usec = 14,
               .p50_usec = 12,
               .p90_usec = 40,
               .p99_usec = 87,
               .p999_usec = 910,
               .max_usec = 6100,
               .histogram = {{.lower_ns = 11264, .upper_ns = 12288, .count = 10000},
                             {.lower_ns = 12288, .upper_ns = 13312, .count = 200},
                             {.lower_ns = 36864, .upper_ns = 40960, .count = 8000},
                             {.lower_ns = 81920, .upper_ns = 90112, .count = 1797},
                             {.lower_ns = 5767168, .upper_ns = 6291456, .count = 3}}};
  unit.response = {.mean_usec = 260,
                   .p50_usec = 250,
                   .p90_usec = 410,
                   .p99_usec = 990,
                   .p999_usec = {},
                   .max_usec = 9000,
                   .histogram = {{.lower_ns = 245760, .upper_ns = 262144, .count = 19000},
                                 {.lower_ns = 8388608, .upper_ns = 9437184, .count = 1000}}};
  return unit;
}

// The limit of nginx().
inline LimitReport limit() {
  return {.unit = "nginx.service",
          .control_group_id = 4711,
          .quota_per_sec_usec = 200000,
          .period_usec = 100000,
          .burst_usec = 0,
          .periods = 1200,
          .throttled_periods = 340,
          .throttled_usec = 24100000,
          .parked_tasks = 0};
}

// A unit without counters of its own.
inline UnitReport folded(const std::string& with) {
  UnitReport unit;
  unit.name = "worker.service";
  unit.control_group = "/web.slice/worker.service";
  unit.budget_usec = 2000;
  unit.budget_origin = "/etc/worker.conf:2";
  unit.metric = "wait";
  unit.objective = 0.999;
  unit.importance = 100;
  unit.counted_with = with;
  return unit;
}

// nginx() a while later: 600 more jobs, two of them late.
inline UnitReport nginx_later() {
  UnitReport unit = nginx();
  unit.jobs += 600;
  unit.misses += 2;
  unit.causes.late_start += 2;
  unit.exec_usec += 90000;
  unit.wait.histogram[2].count += 598;
  unit.wait.histogram.back().count += 1;
  unit.wait.histogram.push_back({.lower_ns = 8388608, .upper_ns = 9437184, .count = 1});
  unit.response.histogram[0].count += 600;
  return unit;
}

}  // namespace slo::client
