/* Host tests: machine memory is an array. Shadows mm/layout.h. */
#ifndef MM_LAYOUT_H
#define MM_LAYOUT_H

#include <stdint.h>

#define FAKE_FRAMES 1024
extern char fake_ram[];
extern char fake_frame_table[];
extern uint64_t fake_m2p[];

#define FRAME_TABLE_START ((uintptr_t)fake_frame_table)
#define DIRECTMAP_START   ((uintptr_t)fake_ram)
#define M2P_RW_START      ((uintptr_t)fake_m2p)

#endif
