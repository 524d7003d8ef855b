/* Host tests: a machine of a few MiB inside the test's own memory. */
#ifndef MM_LAYOUT_H
#define MM_LAYOUT_H

#include <stdint.h>

#define FAKE_FRAMES 2048 /* 8 MiB, the first one no RAM */

extern uint64_t fake_frame_table[];
extern uint64_t fake_m2p[];
extern uint8_t fake_ram[];

#define HOST_VA_START 0xffff800000000000ul
#define HOST_VA_END   0xffff880000000000ul
#define HOST_L4_FIRST 256
#define HOST_L4_LAST  271

#define M2P_RO_START      HOST_VA_START
#define M2P_RW_START      ((uintptr_t)fake_m2p)
#define FRAME_TABLE_START ((uintptr_t)fake_frame_table)
#define IMAGE_START       1ul
#define CPU_STACKS_START  2ul
#define DIRECTMAP_START   ((uintptr_t)fake_ram)

#endif
