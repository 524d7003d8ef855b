/*
 * What the races share. A case is a rule that must hold in every order of what
 * two vCPUs do; afterwards the pages must have no count left over.
 */
#ifndef RACES_H
#define RACES_H

#include "evtchn.h"

#define ROUNDS 1500

/* ---- race.c ---- */
/* What the second vCPU does, how often it went round, and what it counts. */
extern void (*volatile other_does)(void);
extern volatile uint64_t other_turns;
extern volatile unsigned int other_faults;

/* The second vCPU does `fn` again and again; it does when this returns. */
void other_begins(void (*fn)(void));
void other_ends(void);
/* A store that may fault, on the second vCPU. */
void other_store(volatile uint64_t *p, uint64_t value);
/* We do `mine` while the other one does `theirs`. */
void race(void (*mine)(void), void (*theirs)(void));

/* What both work on, fresh for each case. */
extern uint64_t *page, *page2, *table;
extern volatile unsigned int wins;

void pages_ready(void);
/* They can be written, become tables, and be written again. */
void pages_done(void);
void expect_free_page(uint64_t *p);

/* Our grant table and our number; pages_ready() too. */
extern grant_entry_v1_t *grants;
extern uint16_t self;
void grants_ready(void);

/* ---- the cases: types.c, memory.c, calls.c ---- */
void a_pinned_table_is_never_written(void);
void nor_through_what_a_cpu_remembers(void);
void a_pin_is_undone_once(void);
void one_level_at_a_time(void);
void an_entry_counts_for_one_frame(void);
void updates_meet_tables_that_go(void);
void write_protections_count_once(void);
void emulated_stores_meet_updates(void);
void copies_do_not_reach_tables(void);
void a_root_in_use_stays_one(void);
void descriptors_in_use_are_never_written(void);
void descriptor_updates_meet_tables_and_gdts(void);
void ldt_pages_come_and_go(void);
void a_frame_is_given_back_once(void);
void frames_on_their_way_out_are_not_lost(void);
void a_reused_frame_is_clean_and_out_of_reach(void);
void a_handle_is_given_back_once(void);
void a_grant_in_use_does_not_change(void);
void copies_look_at_the_frame_once(void);
void pairs_close_from_both_ends(void);
void channels_move_while_they_close(void);
void one_port_for_a_virq(void);
void what_was_checked_is_what_is_stored(void);
void multicalls_change_while_they_run(void);
void registered_areas_let_go_once(void);
void up_and_down_meet(void);

#endif
