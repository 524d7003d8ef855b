/*
 * Two vCPUs on the same frame, entry, port or grant at the same time. Each case
 * is a rule that must hold in every order; afterwards the pages must have no
 * count left over: they can be written, become a table, and be written again.
 */
#include "races.h"

const struct test guest_tests[] = {
    TEST(a_pinned_table_is_never_written),
    TEST(nor_through_what_a_cpu_remembers),
    TEST(a_pin_is_undone_once),
    TEST(one_level_at_a_time),
    TEST(an_entry_counts_for_one_frame),
    TEST(updates_meet_tables_that_go),
    TEST(write_protections_count_once),
    TEST(emulated_stores_meet_updates),
    TEST(copies_do_not_reach_tables),
    TEST(a_root_in_use_stays_one),
    TEST(descriptors_in_use_are_never_written),
    TEST(descriptor_updates_meet_tables_and_gdts),
    TEST(ldt_pages_come_and_go),
    TEST(a_frame_is_given_back_once),
    TEST(frames_on_their_way_out_are_not_lost),
    TEST(a_reused_frame_is_clean_and_out_of_reach),
    TEST(a_handle_is_given_back_once),
    TEST(a_grant_in_use_does_not_change),
    TEST(copies_look_at_the_frame_once),
    TEST(pairs_close_from_both_ends),
    TEST(channels_move_while_they_close),
    TEST(one_port_for_a_virq),
    TEST(what_was_checked_is_what_is_stored),
    TEST(multicalls_change_while_they_run),
    TEST(registered_areas_let_go_once),
    TEST(up_and_down_meet),
    {0},
};
