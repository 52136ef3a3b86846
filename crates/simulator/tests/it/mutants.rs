//! A simulator that does not find a defect is blind to it. Each mutant of the list has to be found.

use jialing_simulator::mutants::{Defect, MUTANTS, table};

fn found(defect: Defect) {
    let mutant = MUTANTS.iter().find(|mutant| mutant.defect == defect).expect("it is in the list");
    let (finding, runs) = mutant.hunt().unwrap_or_else(|what| panic!("{what}"));
    println!("{defect:?}: found by {} after {runs} runs: {finding}", finding.oracle.name());
    assert!(mutant.killers.contains(&finding.oracle), "{defect:?} was found by another oracle: {finding}");
}

macro_rules! each_is_found {
    ($($name:ident: $defect:ident,)*) => {
        $(#[test] fn $name() { found(Defect::$defect); })*

        #[test]
        fn every_mutant_of_the_list_has_its_test() {
            let list: Vec<_> = MUTANTS.iter().map(|mutant| mutant.defect).collect();
            assert_eq!(list, [$(Defect::$defect),*]);
        }
    };
}

each_is_found! {
    frames_that_are_not_flushed: FramesNotFlushed,
    an_answer_before_the_flush: AnswersBeforeFlush,
    a_seal_that_is_not_flushed: SealNotFlushed,
    a_next_segment_that_is_not_flushed: NextNotFlushed,
    names_of_segments_that_are_not_flushed: SegmentNamesNotFlushed,
    names_in_the_data_folder_that_are_not_flushed: RootNamesNotFlushed,
    a_genesis_that_is_not_flushed: GenesisNotFlushed,
    a_tree_that_is_not_flushed: TreeNotFlushed,
    checkpoints_that_are_not_flushed: CheckpointsNotFlushed,
    a_name_before_its_content: NamesBeforeContent,
    a_tail_that_is_not_written_again: TailNotWrittenAgain,
    a_note_sent_twice: RetriesNotes,
    a_group_in_parts: SplitsGroups,
    a_repeat_compared_by_id_only: ComparesIdsOnly,
    a_repeat_that_is_refused: RefusesRepeats,
    swapped_answers: SwapsAnswers,
    meters_that_are_not_charged: ForgetsMeters,
    holds_that_do_not_lapse: ForgetsExpiry,
    one_fen_more: OneFenMore,
    a_refusal_of_another_leg: ForgetsWhichLeg,
    stale_balances: StaleBalances,
    a_feed_that_repeats: FeedRepeatsOne,
    a_feed_that_skips: FeedSkipsOne,
    a_history_that_loses_a_record: HistoryLosesOne,
    reversals_that_are_not_found: LookUpMissesReversals,
    a_receipt_of_the_neighbour: ReceiptOfNeighbour,
    an_empty_consistency_proof: EmptyConsistency,
    a_clock_eight_hours_behind: ClockInUtc,
    a_clock_that_stands_still: ClockStandsStill,
    a_blind_audit: AuditIsBlind,
    an_old_copy_put_back: RestoresOldCopy,
    damage_guessed_around: CutsAtDamage,
    a_cursor_that_is_not_stored: CursorForgotten,
    a_cursor_stored_before_the_effects: CursorFirst,
    effects_stored_before_the_cursor: EffectsFirst,
    a_failed_commit_that_is_trusted: TrustsFailedCommit,
    a_commit_in_doubt_that_is_repeated: RepeatsDoubtfulCommit,
}

/// The page shows the list as it is in the code.
#[test]
fn the_page_shows_the_list() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/mutants.md");
    let text = std::fs::read_to_string(page).expect("docs/reference/mutants.md");
    let (start, end) = ("<!-- the list: made by UPDATE=1 -->\n", "<!-- the end of the list -->");
    let (head, rest) = text.split_once(start).expect("the page has the list's beginning");
    let (shown, tail) = rest.split_once(end).expect("the page has the list's end");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(page, format!("{head}{start}{}{end}{tail}", table())).expect("the page is written");
    } else {
        assert_eq!(shown, table(), "run the simulator's tests with UPDATE=1");
    }
}
