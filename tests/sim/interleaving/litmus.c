/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/sim/interleaving/litmus.h"

static volatile slo_u64* own(struct litmus* shared, int side) {
  return side == 0 ? &shared->x : &shared->y;
}

void litmus_says_then_looks(struct litmus* shared, int side) {
  *own(shared, side) = 1;
  shared->seen[side] = *own(shared, !side);
}

void litmus_exchanges_then_looks(struct litmus* shared, int side) {
  __sync_lock_test_and_set(own(shared, side), 1);
  shared->seen[side] = *own(shared, !side);
}

void litmus_adds_then_looks(struct litmus* shared, int side) {
  __sync_fetch_and_add(own(shared, side), 1);
  shared->seen[side] = *own(shared, !side);
}

void litmus_message(struct litmus* shared, int side) {
  if (side == 0) {
    shared->x = 1;
    shared->y = 1;
    shared->seen[0] = shared->y; /* time goes by */
  } else if (shared->y != 0) {
    shared->seen[1] = shared->x != 0 ? 2 : 1;
  }
}

void litmus_counts(struct litmus* shared, int side) {
  shared->x = shared->x + 1;
}

void litmus_counts_atomically(struct litmus* shared, int side) {
  __sync_fetch_and_add(&shared->x, 1);
}

void litmus_moves(struct litmus* shared, int side) {
  shared->x = shared->x - 1;
  shared->y = shared->y + 1;
  shared->seen[side] = shared->x + shared->y;
}
