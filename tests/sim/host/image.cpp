// SPDX-License-Identifier: GPL-2.0-only
#include "image.h"

#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <vector>

// The linker says where sections lie whose names are words of C: see scheduler.c.
extern "C" {
extern char __start_slo_bss[], __stop_slo_bss[];
extern char __start_slo_data[], __stop_slo_data[];
extern char __start_slo_rodata[], __stop_slo_rodata[];
}

namespace slo::sim {
namespace {

struct Section {
  char* begin;
  char* end;
};
using Image = std::vector<char>;

constexpr std::size_t sections = 3;

const std::array<Section, sections>& all_sections() {
  static const std::array<Section, sections> all = {Section{__start_slo_bss, __stop_slo_bss},
                                                    Section{__start_slo_data, __stop_slo_data},
                                                    Section{__start_slo_rodata, __stop_slo_rodata}};
  return all;
}

// Byte by byte: between two globals lies what AddressSanitizer guards, also against memcpy().
[[gnu::no_sanitize("address", "undefined")]] Image saved(Section section) {
  Image image;
  for (const volatile char* at = section.begin; at != section.end; ++at) {
    const char byte = *at;
    image.push_back(byte);
  }
  return image;
}

[[gnu::no_sanitize("address", "undefined")]] void restore(Section section, const char* from) {
  for (volatile char* at = section.begin; at != section.end; ++at, ++from)
    if (*at != *from) *at = *from;
}

void make_writable(Section section) {
  const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  const std::uintptr_t within = reinterpret_cast<std::uintptr_t>(section.begin) % page;
  const auto size = static_cast<std::size_t>(section.end - section.begin);
  if (mprotect(section.begin - within, size + within, PROT_READ | PROT_WRITE) != 0)
    throw std::runtime_error("the constants of the scheduler cannot be made writable");
}

std::array<Image, sections> saved_image() {
  std::array<Image, sections> image;
  for (std::size_t i = 0; i < sections; ++i) image[i] = saved(all_sections()[i]);
  make_writable(all_sections().back());
  return image;
}

}  // namespace

bool is_constant(const void* address) {
  return address >= __start_slo_rodata && address < __stop_slo_rodata;
}

void restore_globals() {
  static const std::array<Image, sections> image = saved_image();
  for (std::size_t i = 0; i < sections; ++i) restore(all_sections()[i], image[i].data());
}

}  // namespace slo::sim
