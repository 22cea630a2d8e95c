/* SPDX-License-Identifier: GPL-2.0-only */
/* In the place of libbpf's header: a callback is a function with the arguments that it says it has. */
#ifndef SLO_SIM_BPF_TRACING_H
#define SLO_SIM_BPF_TRACING_H

#define BPF_PROG(name, args...) name(args)

#endif
