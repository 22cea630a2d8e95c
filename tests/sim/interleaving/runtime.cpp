// SPDX-License-Identifier: GPL-2.0-only
/*
 * In the place of ThreadSanitizer's runtime: what clang puts before each access of instrumented code to
 * memory that others may see. Plain accesses follow their call; of atomic ones, and copies, the call is all
 * there is.
 */
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "accesses.h"
#include "interleaving.h"

namespace slo::sim {
namespace {

using Kind = Access::Kind;

// Outside of fibers; the program's own stack is far from all else.
bool is_on_stack(const void* address) {
  constexpr std::ptrdiff_t stack_max = 8 << 20;
  const auto* at = static_cast<const char*>(address);
  const auto* frame = static_cast<const char*>(__builtin_frame_address(0));
  return at >= frame && at < frame + stack_max;
}

// Null: nothing is delayed there.
StoreBuffer* reach(const volatile void* address, std::size_t size, Kind kind, const void* from) {
  const Access access{.at = const_cast<void*>(address), .size = size, .kind = kind, .from = from};
  Interleaving* interleaving = Interleaving::present();
  const bool is_own = interleaving != nullptr ? interleaving->is_own(access.at) : is_on_stack(access.at);
  if (is_own) return nullptr;
  if (AccessCounts* counts = AccessCounts::present()) counts->note(access);
  return interleaving != nullptr ? interleaving->reach(access) : nullptr;
}

void write(void* at, std::size_t size, const void* from) {
  StoreBuffer* stores = reach(at, size, Kind::write, from);
  if (stores == nullptr) return;
  if (size <= sizeof(std::uint64_t))
    stores->expect(at, size);
  else
    stores->drain();
}

// A word at a time, as the kernel's processors do.
void copy(char* to, const char* from, std::size_t size, const void* code) {
  for (std::size_t done = 0; done < size; done += sizeof(std::uint64_t)) {
    const std::size_t part = std::min(sizeof(std::uint64_t), size - done);
    reach(from + done, part, Kind::read, code);
    std::uint64_t word = 0;
    std::memcpy(&word, from + done, part);
    if (StoreBuffer* stores = reach(to + done, part, Kind::write, code))
      stores->store(to + done, part, StoreBuffer::Kind::store, word);
    else
      std::memcpy(to + done, &word, part);
  }
}

// With a full barrier before and after.
template <typename Value, typename Change>
Value change(volatile Value* at, const void* from, Change new_value) {
  if (StoreBuffer* stores = reach(at, sizeof(Value), Kind::atomic, from)) stores->drain();
  const Value before = *at;
  *at = new_value(before);
  return before;
}

// BPF has two forms of these, and the one for those who do not want the result orders nothing on arm64.
template <typename Value>
Value fetch(volatile Value* at, const void* from, StoreBuffer::Kind kind, Value operand) {
  StoreBuffer* stores = reach(at, sizeof(Value), Kind::atomic, from);
  const Value before = *at;
  if (stores != nullptr && !Interleaving::present()->is_weak()) stores->drain();
  StoreBuffer own;
  (stores != nullptr ? *stores : own)
      .store(const_cast<Value*>(at), sizeof(Value), kind, static_cast<std::uint64_t>(operand));
  if (stores != nullptr && !Interleaving::present()->is_weak()) stores->drain();
  return before;
}

}  // namespace
}  // namespace slo::sim

extern "C" {

using namespace slo::sim;  // NOLINT: what follows are functions in C
using Memory = StoreBuffer::Kind;

#define HERE __builtin_return_address(0)

void __tsan_init() {}
void __tsan_func_entry(void* /*caller*/) {}
void __tsan_func_exit() {}
void __tsan_atomic_signal_fence(int /*order*/) {}
void __tsan_atomic_thread_fence(int /*order*/) {
  if (Interleaving* interleaving = Interleaving::present()) interleaving->full_barrier();
}

#define PLAIN(size)                             \
  void __tsan_read##size(void* at) {            \
    reach(at, size, Kind::read, HERE);          \
  }                                             \
  void __tsan_unaligned_read##size(void* at) {  \
    reach(at, size, Kind::read, HERE);          \
  }                                             \
  void __tsan_write##size(void* at) {           \
    write(at, size, HERE);                      \
  }                                             \
  void __tsan_unaligned_write##size(void* at) { \
    write(at, size, HERE);                      \
  }
PLAIN(1)
PLAIN(2)
PLAIN(4)
PLAIN(8)
PLAIN(16)

void* __tsan_memcpy(void* to, const void* from, std::size_t size) {
  copy(static_cast<char*>(to), static_cast<const char*>(from), size, HERE);
  return to;
}
void* __tsan_memmove(void* to, const void* from, std::size_t size) {
  const auto* first = static_cast<const char*>(from);
  const std::vector<char> taken(first, first + size);
  copy(static_cast<char*>(to), taken.data(), size, HERE);
  return to;
}
void* __tsan_memset(void* to, int value, std::size_t size) {
  const std::vector<char> filled(size, static_cast<char>(value));
  copy(static_cast<char*>(to), filled.data(), size, HERE);
  return to;
}

#define ATOMIC(bits)                                                                                        \
  using u##bits = std::uint##bits##_t;                                                                      \
  u##bits __tsan_atomic##bits##_load(const volatile u##bits* at, int /*order*/) {                           \
    reach(at, sizeof(*at), Kind::read, HERE);                                                               \
    return *at;                                                                                             \
  }                                                                                                         \
  void __tsan_atomic##bits##_store(volatile u##bits* at, u##bits value, int order) {                        \
    StoreBuffer* stores = reach(at, sizeof(*at), Kind::write, HERE);                                        \
    if (stores == nullptr) {                                                                                \
      *at = value;                                                                                          \
      return;                                                                                               \
    }                                                                                                       \
    stores->store(const_cast<u##bits*>(at), sizeof(*at), Memory::store, value);                             \
    if (order == __ATOMIC_SEQ_CST) stores->drain();                                                         \
  }                                                                                                         \
  u##bits __tsan_atomic##bits##_exchange(volatile u##bits* at, u##bits value, int /*order*/) {              \
    return change(at, HERE, [value](u##bits) { return value; });                                            \
  }                                                                                                         \
  u##bits __tsan_atomic##bits##_compare_exchange_val(volatile u##bits* at, u##bits expected, u##bits value, \
                                                     int /*order*/, int /*failed*/) {                       \
    return change(at, HERE, [=](u##bits before) { return before == expected ? value : before; });           \
  }                                                                                                         \
  u##bits __tsan_atomic##bits##_fetch_add(volatile u##bits* at, u##bits by, int /*order*/) {                \
    return fetch(at, HERE, Memory::add, by);                                                                \
  }                                                                                                         \
  u##bits __tsan_atomic##bits##_fetch_sub(volatile u##bits* at, u##bits by, int /*order*/) {                \
    return fetch(at, HERE, Memory::add, static_cast<u##bits>(-by));                                         \
  }                                                                                                         \
  u##bits __tsan_atomic##bits##_fetch_or(volatile u##bits* at, u##bits by, int /*order*/) {                 \
    return fetch(at, HERE, Memory::bit_or, by);                                                             \
  }                                                                                                         \
  u##bits __tsan_atomic##bits##_fetch_and(volatile u##bits* at, u##bits by, int /*order*/) {                \
    return fetch(at, HERE, Memory::bit_and, by);                                                            \
  }                                                                                                         \
  u##bits __tsan_atomic##bits##_fetch_xor(volatile u##bits* at, u##bits by, int /*order*/) {                \
    return change(at, HERE, [by](u##bits before) { return static_cast<u##bits>(before ^ by); });            \
  }
ATOMIC(8)
ATOMIC(16)
ATOMIC(32)
ATOMIC(64)

}  // extern "C"
