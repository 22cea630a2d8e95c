/* SPDX-License-Identifier: GPL-2.0-only */
/* In the place of libbpf's header: the model has the fields where bpf/kernel/types.h says, and all of them. */
#ifndef SLO_SIM_BPF_CORE_READ_H
#define SLO_SIM_BPF_CORE_READ_H

#define bpf_core_field_exists(field) (sizeof((field) + 0) != 0) /* of the promoted one: it may be of bits */

#define ___sim_read1(p, a) ((p)->a)
#define ___sim_read2(p, a, b) ((p)->a->b)
#define ___sim_read3(p, a, b, c) ((p)->a->b->c)
#define ___sim_read4(p, a, b, c, d) ((p)->a->b->c->d)
#define ___sim_read_of(_1, _2, _3, _4, name, ...) name
#define BPF_CORE_READ(p, ...)                                                                                \
	___sim_read_of(__VA_ARGS__, ___sim_read4, ___sim_read3, ___sim_read2, ___sim_read1)(p, __VA_ARGS__)

#define BPF_CORE_READ_BITFIELD(p, field) ((p)->field)

#endif
