/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Small races with known ends, instrumented like the scheduler: what the exaggerated mode must show of each,
 * and what it must never show.
 */
#ifndef SLO_SIM_INTERLEAVING_LITMUS_H
#define SLO_SIM_INTERLEAVING_LITMUS_H

#include "bpf/abi/slo_abi.h"

#ifdef __cplusplus
extern "C" {
#endif

struct litmus {
  volatile slo_u64 x __attribute__((aligned(64)));
  volatile slo_u64 y __attribute__((aligned(64)));
  volatile slo_u64 seen[2] __attribute__((aligned(64))); /* by each side */
};

/* Says "I wait", then looks whether the other one does; side: 0 or 1. */
void litmus_says_then_looks(struct litmus* shared, int side);
/* The same with an exchange, a full barrier everywhere. */
void litmus_exchanges_then_looks(struct litmus* shared, int side);
/* The same with an atomic that returns nothing: a full barrier on x86 alone. */
void litmus_adds_then_looks(struct litmus* shared, int side);
/* Side 0 writes a message, then says that it is there; side 1 looks for it. seen[1] is 2 where it was there,
 * 1 where it was said and is not. */
void litmus_message(struct litmus* shared, int side);
/* x goes up by one: plainly, and as the scheduler does. */
void litmus_counts(struct litmus* shared, int side);
void litmus_counts_atomically(struct litmus* shared, int side);
/* Moves one from x to y; seen[side]: what both were together. */
void litmus_moves(struct litmus* shared, int side);

#ifdef __cplusplus
}
#endif

#endif
