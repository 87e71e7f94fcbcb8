//! Tabs whose pages read different groups: one stream for all of them, and to each page its own.

use protocol::{Names, subscriber::Output};

use crate::{SECOND, SMALL, counts, support::browser::Browser};

/// Tabs whose pages read these groups, or all.
fn tabs_of(groups: &[Option<&[&str]>]) -> Browser {
    let mut browser = Browser::new(7, SMALL);
    for groups in groups {
        browser.open_for(*groups);
    }
    browser.run(7 * SECOND);
    browser.check();
    browser
}

/// Every tab has handled as many events since `before`, and been told of as many gaps.
fn got(browser: &Browser, before: &[(usize, usize)], more: &[(usize, usize)]) {
    let after: Vec<_> =
        before.iter().zip(more).map(|(before, more)| (before.0 + more.0, before.1 + more.1)).collect();
    assert_eq!(counts(browser), after);
}

#[test]
fn tabs_that_read_different_groups_share_one_stream_and_each_gets_its_own() {
    let mut browser = tabs_of(&[Some(&["g0"]), Some(&["g1"]), Some(&[]), None]);
    assert_eq!((browser.streams(), browser.server.accepted), (1, 1));
    assert_eq!(browser.server.groups(), [["g0", "g1", "g2"]]);
    let before = counts(&browser);
    for group in [0, 1, 1, 2, 2, 2] {
        browser.send_to_group(group);
    }
    browser.send();
    browser.run(SECOND);
    got(&browser, &before, &[(2, 0), (3, 0), (1, 0), (7, 0)]);
    browser.check();
}

#[test]
fn a_group_that_is_followed_is_covered_from_a_gap_that_only_its_tabs_are_told_of() {
    let mut browser = tabs_of(&[Some(&["g0"]), Some(&["g0"]), Some(&[])]);
    let before = counts(&browser);
    browser.want(2, Some(&["g1"]));
    browser.run(SECOND);
    browser.want(0, Some(&["g0", "g1"]));
    browser.run(SECOND);
    browser.send_to_group(1);
    browser.run(SECOND);
    // The second to follow it is told at once, since it has not fetched what came before.
    got(&browser, &before, &[(1, 1), (0, 0), (1, 1)]);
    assert_eq!(browser.server.accepted, 1);
    browser.check();
}

#[test]
fn a_group_is_read_until_the_last_tab_follows_it_no_more() {
    let mut browser = tabs_of(&[Some(&["g0", "g1"]), Some(&["g1"])]);
    let before = counts(&browser);
    browser.want(0, Some(&["g0"]));
    browser.run(SECOND);
    assert_eq!(browser.server.groups(), [["g0", "g1"]]);
    browser.want(1, Some(&[]));
    browser.run(6 * SECOND);
    assert_eq!(browser.server.groups(), [["g0"]]);
    browser.close(0);
    browser.run(10 * SECOND);
    assert_eq!(browser.server.groups(), [[""; 0]], "and what a tab that is gone followed");
    assert_eq!(counts(&browser), before, "of which nobody is told");
}

#[test]
fn another_leader_asks_for_the_groups_of_all_tabs_at_once_and_nobody_is_told_of_a_gap() {
    let mut browser = tabs_of(&[Some(&["g0"]), Some(&["g1"]), Some(&["g2"])]);
    let before = counts(&browser);
    let leader = browser.leader().expect("one leads");
    browser.close(leader);
    for group in 0..3 {
        browser.send_to_group(group);
    }
    browser.run(10 * SECOND);
    for view in (0..3).filter(|view| *view != leader) {
        assert_eq!(browser.counts(view), (before[view].0 + 1, before[view].1));
    }
    browser.check();
}

#[test]
fn a_followed_group_costs_no_gap_at_the_next_stream() {
    for tabs in 1..=3 {
        let mut browser = tabs_of(&vec![Some(&["g0"][..]); tabs]);
        browser.want(0, Some(&["g0", "g1"]));
        browser.run(SECOND);
        let before = counts(&browser);
        browser.break_wires();
        browser.send_to_group(1);
        browser.run(40 * SECOND);
        let mut more = vec![(0, 0); tabs];
        more[0] = (1, 0);
        got(&browser, &before, &more);
        browser.check();
    }
}

#[test]
fn a_stream_that_begins_with_a_gap_covers_all_that_it_was_asked_for() {
    let mut browser = tabs_of(&[Some(&["g0"]), Some(&["g0"])]);
    let leader = browser.leader().expect("one leads");
    browser.break_wires();
    browser.want(leader, Some(&["g0", "g1"]));
    (0..60).for_each(|_| browser.send());
    browser.run(40 * SECOND);
    let before = counts(&browser);
    let follower = 1 - leader;
    browser.want(follower, Some(&["g1"]));
    browser.run(SECOND);
    assert_eq!(browser.counts(follower), (before[follower].0, before[follower].1 + 1), "it is told at once");
    browser.send_to_group(1);
    browser.run(SECOND);
    assert_eq!(browser.counts(follower).0, before[follower].0 + 1);
    assert_eq!(browser.counts(leader), (before[leader].0 + 1, before[leader].1));
    browser.check();
}

#[test]
fn a_post_about_groups_that_was_lost_is_made_up_for() {
    let mut browser = tabs_of(&[Some(&["g0"]), Some(&["g0"])]);
    let follower = 1 - browser.leader().expect("one leads");
    let (now, tab) = (browser.now, &mut browser.views[follower].tab);
    tab.want(Names::from_text("\ng1\n".to_owned()), now);
    assert!(
        std::iter::from_fn(|| tab.poll()).any(|output| matches!(output, Output::Post(_))),
        "it is lost here"
    );
    browser.run(20 * SECOND);
    assert_eq!(browser.server.groups(), [["g0", "g1"]], "said again with the heartbeat");
}
