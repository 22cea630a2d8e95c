// SPDX-License-Identifier: GPL-2.0-only
#include "bus/inner_bus.h"

#include <sys/socket.h>

#include <utility>

#include "base/fd.h"

namespace slo {
namespace {

std::unique_ptr<sd_bus, Deleter<sd_bus_unref>> end_of(Fd socket, bool answers) {
  sd_bus* bus = nullptr;
  check(sd_bus_new(&bus), "make the inner bus");
  std::unique_ptr<sd_bus, Deleter<sd_bus_unref>> end(bus);
  const int fd = socket.release();  // the bus closes it from here on
  check(sd_bus_set_fd(bus, fd, fd), "make the inner bus");
  if (answers) {
    sd_id128_t id{};
    check(sd_id128_randomize(&id), "make the inner bus");
    check(sd_bus_set_server(bus, 1, id), "make the inner bus");
  }
  check(sd_bus_set_anonymous(bus, 1), "make the inner bus");
  check(sd_bus_set_trusted(bus, 1), "make the inner bus");
  check(sd_bus_negotiate_fds(bus, 1), "make the inner bus");
  check(sd_bus_start(bus), "start the inner bus");
  return end;
}

}  // namespace

InnerBus::InnerBus(sd_event* event) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
    check(-errno, "make the inner bus");
  Fd first(ends[0]);
  Fd second(ends[1]);
  answering_ = end_of(std::move(first), true);
  asking_ = end_of(std::move(second), false);
  // sdbus-c++ waits for the end of the handshake, and nobody but us brings it about.
  while (sd_bus_is_ready(answering_.get()) <= 0 || sd_bus_is_ready(asking_.get()) <= 0) {
    for (const auto* end : {&answering_, &asking_})
      check(sd_bus_process(end->get(), nullptr), "join the ends of the inner bus");
  }
  objects_ = sdbus::createBusConnection(sd_bus_ref(answering_.get()));
  for (const auto* end : {&answering_, &asking_})
    check(sd_bus_attach_event(end->get(), event, SD_EVENT_PRIORITY_NORMAL),
          "attach the inner bus to the event loop");
}

InnerBus::~InnerBus() {
  for (const auto* end : {&asking_, &answering_}) {
    static_cast<void>(sd_bus_detach_event(end->get()));
    sd_bus_close(end->get());
  }
}

}  // namespace slo
