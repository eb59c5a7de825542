//! What the registry promises, on a clock that the tests move.

use super::*;

const S: Duration = Duration::from_secs(1);
const LOST: Option<EndCause> = Some(EndCause::SocketLost);
const STOPPED: Option<EndCause> = Some(EndCause::CarrierStopped);

fn sid(n: u32) -> Sid {
    Sid::parse(&format!("CA{n:032x}")).unwrap()
}

fn facts() -> Facts {
    let (from, to) = ("+15551234567".into(), "+15557654321".into());
    let (id, line) = (CallId::new(), Line::demo());
    Facts { id, line, outbound: false, account: Sid::parse("AC1").unwrap(), from, to }
}

fn token() -> Token {
    Token::random().unwrap()
}

fn registry(calls_max: usize) -> Registry {
    Registry::new(calls_max, 60 * S, 30 * S)
}

/// A registry with call 1 in its stream.
fn streaming() -> (Registry, Ticket) {
    let mut registry = registry(2);
    let token = token();
    registry.admit(S, &sid(1), facts(), token).unwrap();
    let ticket = registry.redeem(2 * S, &token).unwrap();
    assert!(registry.started(&ticket));
    (registry, ticket)
}

#[test]
fn a_token_opens_one_socket_once() {
    let mut registry = registry(1);
    let token = token();
    registry.admit(S, &sid(1), facts(), token).unwrap();
    let ticket = registry.redeem(2 * S, &token).unwrap();
    assert_eq!((ticket.call, ticket.kind, ticket.stream), (sid(1), StreamKind::Answer, 1));
    assert_eq!(registry.redeem(2 * S, &token).unwrap_err(), TokenFault::Unknown);
}

#[test]
fn a_token_is_worth_nothing_after_its_time() {
    let mut registry = registry(1);
    let token = token();
    registry.admit(S, &sid(1), facts(), token).unwrap();
    assert_eq!(registry.redeem(61 * S, &token).unwrap_err(), TokenFault::Expired);
}

#[test]
fn a_token_that_was_never_issued_opens_nothing() {
    assert_eq!(registry(1).redeem(S, &token()).unwrap_err(), TokenFault::Unknown);
}

#[test]
fn a_full_registry_refuses_until_a_reservation_lapses() {
    let mut registry = registry(1);
    let (first, second) = (token(), token());
    registry.admit(S, &sid(1), facts(), first).unwrap();
    assert_eq!(registry.admit(2 * S, &sid(2), facts(), second), Err(NoPlace::Full));
    assert_eq!(registry.admit(61 * S, &sid(2), facts(), second), Ok(()));
    assert_eq!(registry.redeem(61 * S, &first).unwrap_err(), TokenFault::Unknown);
    assert_eq!(registry.tokens.len(), 1);
}

#[test]
fn the_last_places_are_for_calls_that_are_taken_up_again() {
    let mut registry = registry(20);
    for n in 0..19 {
        assert_eq!(registry.admit(S, &sid(n), facts(), token()), Ok(()), "{n}");
    }
    assert_eq!(registry.admit(S, &sid(19), facts(), token()), Err(NoPlace::Full));
    assert_eq!(registry.admit(S, &sid(7), facts(), token()), Ok(()), "its webhook came twice");
    assert_eq!(registry.resume(S, &sid(19), facts(), 0, token()), Ok(1), "another process had it");
    assert_eq!(registry.resume(S, &sid(20), facts(), 0, token()), Err(NoResume::NoPlace));
}

#[test]
fn calls_are_placed_while_a_tenth_is_left_for_callers() {
    let mut registry = registry(20);
    let line = facts().line;
    let ids: Vec<CallId> = (0..19).map(|_| CallId::new()).collect();
    for id in &ids[..18] {
        assert_eq!(registry.keep_place(S, *id, &line, None), Ok(()));
    }
    assert_eq!(registry.keep_place(S, ids[18], &line, None), Err(NoPlace::Full));
    assert_eq!(registry.admit(S, &sid(1), facts(), token()), Ok(()));
    assert_eq!(registry.admit(S, &sid(2), facts(), token()), Err(NoPlace::Full));
    let placed = Facts { id: ids[0], outbound: true, ..facts() };
    assert_eq!(registry.admit(S, &sid(2), placed, token()), Ok(()), "it has its place");
}

#[test]
fn strain_refuses_what_is_new_and_nothing_else() {
    let (mut registry, ticket) = streaming();
    registry.set_calls_max(20);
    let (line, place) = (facts().line, CallId::new());
    registry.set_strain(90);
    assert_eq!(registry.keep_place(S, place, &line, None), Err(NoPlace::Strained));
    registry.set_strain(89);
    assert_eq!(registry.keep_place(S, place, &line, None), Ok(()));
    registry.set_strain(400);
    assert_eq!(registry.admit(S, &sid(9), facts(), token()), Err(NoPlace::Strained));
    assert_eq!(registry.admit(S, &sid(9), Facts { id: place, outbound: true, ..facts() }, token()), Ok(()));
    registry.ended(10 * S, &ticket, LOST);
    assert_eq!(registry.resume(10 * S, &sid(1), facts(), 0, token()), Ok(1));
    assert_eq!(registry.load(), 400);
    registry.set_strain(0);
    assert_eq!(registry.admit(10 * S, &sid(8), facts(), token()), Ok(()));
}

#[test]
fn a_webhook_that_comes_twice_keeps_one_place_and_one_token() {
    let mut registry = registry(1);
    let (first, second) = (token(), token());
    registry.admit(S, &sid(1), facts(), first).unwrap();
    registry.admit(S, &sid(1), facts(), second).unwrap();
    assert_eq!((registry.len(), registry.tokens.len()), (1, 1));
    assert_eq!(registry.redeem(2 * S, &first).unwrap_err(), TokenFault::Unknown);
    assert!(registry.redeem(2 * S, &second).is_ok());
}

#[test]
fn a_stream_resumes_three_times_at_most() {
    let (mut registry, mut ticket) = streaming();
    let mut now = 10 * S;
    for expected in 1..=RESUMES_MAX {
        registry.ended(now, &ticket, LOST);
        let token = token();
        assert_eq!(registry.resume(now, &sid(1), facts(), 0, token), Ok(expected));
        ticket = registry.redeem(now, &token).unwrap();
        assert_eq!(ticket.kind, StreamKind::Resume);
        now += 10 * S;
    }
    assert_eq!(registry.resume(now, &sid(1), facts(), 0, token()), Err(NoResume::TooOften));
}

#[test]
fn a_stream_resumes_once_in_five_seconds() {
    let (mut registry, _) = streaming();
    registry.resume(10 * S, &sid(1), facts(), 0, token()).unwrap();
    assert_eq!(registry.resume(14 * S, &sid(1), facts(), 0, token()), Err(NoResume::TooSoon));
    assert_eq!(registry.resume(15 * S, &sid(1), facts(), 0, token()), Ok(2));
}

#[test]
fn the_carriers_own_count_holds_across_a_restart() {
    let mut registry = registry(1);
    assert_eq!(registry.resume(S, &sid(1), facts(), 2, token()), Ok(3));
    assert_eq!(registry.resume(9 * S, &sid(1), facts(), 3, token()), Err(NoResume::TooOften));
    assert_eq!(registry.resume(9 * S, &sid(2), facts(), 0, token()), Err(NoResume::NoPlace));
}

#[test]
fn the_question_may_come_before_the_word_that_the_stream_ended() {
    let (mut registry, old) = streaming();
    let next = token();
    registry.resume(10 * S, &sid(1), facts(), 0, next).unwrap();
    registry.ended(10 * S, &old, LOST);
    let ticket = registry.redeem(11 * S, &next).unwrap();
    registry.ended(11 * S, &old, LOST);
    assert!(registry.started(&ticket), "the old stream's end does not end the new one");
}

#[test]
fn the_intent_is_the_last_streams() {
    let (mut registry, ticket) = streaming();
    ticket.desk.goodbye();
    assert_eq!(registry.intent(&sid(1)), Intent::HangUp);
    let next = token();
    registry.resume(10 * S, &sid(1), facts(), 0, next).unwrap();
    registry.redeem(10 * S, &next).unwrap();
    assert_eq!(registry.intent(&sid(1)), Intent::Resume);
    assert_eq!(registry.intent(&sid(9)), Intent::Resume);
}

#[test]
fn a_call_that_is_over_leaves_with_its_stream() {
    let (mut registry, ticket) = streaming();
    registry.over(&sid(1));
    assert_eq!(registry.len(), 1);
    registry.ended(10 * S, &ticket, LOST);
    assert_eq!(registry.len(), 0);
}

#[test]
fn nothing_but_a_stream_lasts_by_itself() {
    let (mut registry, ticket) = streaming();
    registry.sweep(100_000 * S);
    assert_eq!(registry.len(), 1);
    registry.ended(100_000 * S, &ticket, LOST);
    registry.sweep(100_029 * S);
    assert_eq!(registry.len(), 1);
    registry.sweep(100_030 * S);
    assert_eq!(registry.len(), 0);
}

#[test]
fn a_call_that_the_carrier_stopped_keeps_its_place_for_seconds_only() {
    let (mut registry, ticket) = streaming();
    registry.ended(10 * S, &ticket, STOPPED);
    registry.sweep(14 * S);
    assert_eq!(registry.len(), 1);
    registry.sweep(15 * S);
    assert_eq!(registry.len(), 0);
    // Moved by REST, and back here late: taken up all the same, counted by its URL.
    assert_eq!(registry.resume(20 * S, &sid(1), facts(), 1, token()), Ok(2));
}

#[test]
fn nobody_who_wants_to_end_waits_for_long_between_two_streams() {
    let (mut registry, ticket) = streaming();
    let second = token();
    registry.admit(S, &sid(2), facts(), second).unwrap();
    let other = registry.redeem(2 * S, &second).unwrap();
    assert!(registry.started(&other));
    assert_eq!(registry.unfinished(10 * S), 2);
    registry.ended(10 * S, &ticket, LOST);
    assert_eq!((registry.unfinished(14 * S), registry.unfinished(15 * S), registry.len()), (2, 1, 2));
    registry.resume(16 * S, &sid(1), facts(), 0, token()).unwrap();
    assert_eq!(registry.unfinished(16 * S), 2);
}

#[test]
fn a_stream_is_shown_while_it_runs() {
    let (mut registry, ticket) = streaming();
    let shown = |registry: &Registry| registry.iter().any(|(_, call)| call.view().is_some());
    assert!(!shown(&registry));
    registry.show(&ticket, CallView::default(), mpsc::channel(1).0);
    assert!(shown(&registry));
    registry.show(&Ticket { stream: 9, ..ticket.clone() }, CallView::default(), mpsc::channel(1).0);
    registry.ended(10 * S, &ticket, LOST);
    assert!(!shown(&registry));
    let next = token();
    registry.resume(10 * S, &sid(1), facts(), 0, next).unwrap();
    let ticket = registry.redeem(11 * S, &next).unwrap();
    registry.started(&ticket);
    assert!(!shown(&registry), "the old stream is not shown as the new one");
}

#[test]
fn a_socket_that_never_starts_gives_its_place_back() {
    let mut registry = registry(1);
    let token = token();
    registry.admit(S, &sid(1), facts(), token).unwrap();
    registry.redeem(2 * S, &token).unwrap();
    registry.sweep(17 * S);
    assert_eq!(registry.len(), 0);
}

#[test]
fn a_call_that_was_placed_has_less_time_for_its_stream() {
    for (outbound, lifetime) in [(false, 60), (true, 30)] {
        for (after, opens) in [(lifetime - 1, true), (lifetime, false)] {
            let (mut registry, token) = (registry(1), token());
            registry.admit(S, &sid(1), Facts { outbound, ..facts() }, token).unwrap();
            assert_eq!(registry.redeem(S + after * S, &token).is_ok(), opens, "{outbound} {after}");
        }
    }
}
