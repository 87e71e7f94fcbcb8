//! Which claims are made of which store.

/// Runs claims on one store.
macro_rules! claims {
    ($place:ty; $($file:ident { $($claim:ident)* })*) => {
        $(mod $file {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $claim() {
                crate::$file::$claim::<$place>().await;
            })*
        })*
    };
}

/// What every store promises.
macro_rules! every_store {
    ($place:ty) => {
        claims! { $place;
            order {
                a_run_begins_at_the_beginning_under_its_epoch
                a_send_is_visible_when_it_returns
                an_entry_that_is_held_back_holds_back_those_behind_it
                many_senders_make_one_order_without_holes
                a_batch_stands_together
                a_sender_that_goes_away_takes_nothing_back
                appends_to_a_closed_store_fail
                appends_to_a_store_that_was_never_opened_fail
            }
            keys {
                the_same_key_sends_once
                another_event_under_a_key_is_a_conflict_and_sends_nothing
                keys_that_race_send_once
                a_conflict_fails_no_other_send
            }
            cursors {
                a_cursor_ahead_of_the_log_is_not_covered
                a_cursor_of_an_epoch_nobody_knows_is_a_gap
            }
        }
    };
}

/// What a store promises that outlives its process.
macro_rules! durable_store {
    ($place:ty) => {
        mod durable {
            claims! { $place;
                order {
                    nothing_is_visible_before_its_commit
                }
                keys {
                    a_key_is_known_after_a_kill_between_commit_and_answer
                    a_key_outlives_its_entries
                    a_key_is_forgotten_after_five_minutes
                    keys_are_bounded
                }
                cursors {
                    the_window_is_there_after_a_restart_under_its_own_ids
                    a_cursor_of_an_older_epoch_is_good_up_to_its_end
                    a_cursor_behind_a_lost_tail_is_a_gap
                    a_store_copied_back_from_a_backup_is_a_gap_for_who_saw_more
                    a_cursor_below_the_floor_is_a_gap_after_a_restart
                    an_emptied_history_still_has_its_floor
                    live_only_entries_keep_their_place_and_raise_no_floor
                    no_id_is_given_twice_over_many_runs
                    the_ends_of_many_epochs_are_bounded
                }
                hubs {
                    a_stream_goes_on_over_a_restart_of_its_hub
                    a_stream_that_stood_on_what_was_lost_is_told
                    a_key_of_the_run_before_sends_once
                }
                standing {
                    the_secret_of_the_first_run_stays
                    notices_are_entries_of_the_window
                    grants_outlive_the_window_until_withdrawn
                    of_grants_that_cross_the_first_stands
                    a_grant_that_was_forgotten_begins_anew
                    grants_of_who_was_away_for_a_whole_window_are_forgotten
                    revocations_are_kept_as_long_as_told
                    who_was_here_is_however_long_nobody_was_there_to_tell_of_the_end
                    everybody_is_renewed_at_once
                    connections_are_expected_back_until_their_time
                }
                retention {
                    the_oldest_go_by_count_while_senders_go_on
                    the_oldest_go_by_bytes
                    the_oldest_go_by_age_without_a_send
                    what_has_expired_goes_too
                }
            }
        }
    };
}

/// What a store promises that takes part in the app's transactions.
macro_rules! outbox_store {
    ($place:ty) => {
        mod with_transactions {
            claims! { $place;
                outbox {
                    a_committed_event_is_sent_once
                    an_event_rolled_back_is_never_sent
                    a_later_transaction_has_the_later_id
                    a_send_after_a_commit_has_the_later_id
                    a_send_comes_behind_all_that_was_committed_before_it
                    an_event_committed_without_a_run_is_sent_by_the_next
                    a_transaction_holds_back_no_more_than_itself
                    notices_and_live_only_events_take_part
                }
            }
        }
    };
}

/// What a store promises that several instances share.
macro_rules! shared_store {
    ($place:ty) => {
        mod shared {
            claims! { $place;
                instances {
                    three_instances_make_one_order
                    instances_know_each_other
                    hubs_list_each_other
                    when_an_instance_dies_the_others_go_on
                }
                presence {
                    of_several_instances_each_change_is_told_once
                    of_whom_an_instance_had_that_died_another_tells_in_time
                    a_change_that_nobody_received_is_told_by_another
                    nobody_has_left_because_nobody_could_look
                    whoever_is_handed_over_is_here_until_another_has_them
                    a_question_that_comes_late_is_not_heard
                    the_word_of_an_instance_that_is_gone_ends_when_its_user_comes_and_goes
                    whom_a_drain_sent_elsewhere_may_leave_there
                    what_others_have_open_outlives_the_start_of_an_instance
                    hubs_say_one_word_of_a_user
                    a_person_has_so_many_streams_over_all_instances
                }
                outage {
                    streams_outlive_an_outage_and_miss_nothing
                    a_send_that_waits_longer_than_a_restart_succeeds
                    a_log_restored_under_a_running_instance_is_a_gap_and_goes_on
                }
            }
        }
    };
}
