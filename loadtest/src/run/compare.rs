//! Runs a comparison: starts each server in turn on the same core, plays the same fleet, reports them side by side.

use super::stand::{Play, Stand};
use super::{FAILED, MISSED, VOID, capacity};
use crate::capacity::budget::Budgets;
use crate::cli::{CompareArgs, Scene, TargetArgs};
use crate::report::capacity::Plateau;
use crate::report::compare::{Contender, Report};
use crate::shell::clock;

/// Servers that have a letter in an order.
const SERVERS_MAX: usize = 26;

/// Plays them all, and writes both reports.
pub(super) fn compare(args: &CompareArgs) -> Result<u8, String> {
    let mut contenders =
        args.servers.iter().map(|server| parse(server, &args.target.url)).collect::<Result<Vec<_>, _>>()?;
    if !(2..=SERVERS_MAX).contains(&contenders.len()) {
        return Err("--server: from two to 26 of them".into());
    }
    let order = order(args.order.as_deref(), contenders.len())?;
    if args.duration == 0 {
        return Err("--duration 0: at least one second".into());
    }
    let mut stand = Stand::new(&args.target, &args.place, true)?;
    for (turn, index) in order.iter().enumerate() {
        let contender = &mut contenders[*index];
        stand.aim(&TargetArgs { url: contender.url.clone(), ..args.target.clone() })?;
        let served = stand.serve(&contender.command)?;
        contender.version = contender.version.take().or_else(|| served.version());
        let what = format!("{} of {}: {}", turn + 1, order.len(), contender.name);
        let server = Some(served.whose());
        let play = Play { what: &what, calls: args.calls, length_s: args.duration, server, scene: Scene::None };
        let plateau = Plateau::judged(stand.play(play)?, &Budgets::default());
        stand.progress.note(&format!("{}   ({})", plateau.line(), contender.name));
        contender.runs.push(plateau);
    }
    stand.progress.end();
    let order = order.iter().map(|index| contenders[*index].name.clone()).collect();
    let machine = stand.machine.clone();
    let report =
        Report::new(args.calls, order, contenders, machine, stand.server_core, clock::unix_s(), args.cpu_ratio_max);
    capacity::write(&args.html, args.json.as_deref(), &report, &report.html(), &report.lines())?;
    Ok(code(&report))
}

fn code(report: &Report) -> u8 {
    let runs = || report.contenders.iter().flat_map(|contender| &contender.runs);
    if runs().all(|run| run.figures.counts.frames == 0) {
        FAILED
    } else if report.void.is_some() {
        VOID
    } else if report.missed.is_empty() {
        0
    } else {
        MISSED
    }
}

/// `NAME=COMMAND`, or `NAME=URL COMMAND`.
fn parse(server: &str, url: &str) -> Result<Contender, String> {
    let wrong = || format!("--server {server}: NAME=COMMAND, or NAME=URL COMMAND");
    let (name, command) = server.split_once('=').ok_or_else(wrong)?;
    let (name, command) = (name.trim(), command.trim());
    let own = command.split_once(' ').filter(|(first, _)| first.contains("://"));
    let (url, command) = own.map_or((url, command), |(url, command)| (url, command.trim()));
    if name.is_empty() || command.is_empty() {
        return Err(wrong());
    }
    Ok(Contender { name: name.into(), command: command.into(), url: url.into(), ..Contender::default() })
}

/// Which server when; without a wish there and back again.
fn order(wish: Option<&str>, servers: usize) -> Result<Vec<usize>, String> {
    let Some(wish) = wish else { return Ok((0..servers).chain((0..servers - 1).rev()).collect()) };
    let index = |letter: char| {
        let index = (letter.to_ascii_lowercase() as usize).checked_sub('a' as usize);
        index.filter(|index| *index < servers).ok_or_else(|| format!("--order {wish}: no server {letter}"))
    };
    let order = wish.chars().map(index).collect::<Result<Vec<_>, _>>()?;
    match (0..servers).find(|server| !order.contains(server)) {
        Some(left_out) => Err(format!("--order {wish}: server {} never runs", (b'a' + left_out as u8) as char)),
        None => Ok(order),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_may_have_an_address_of_its_own() {
        let told = |server: &str| parse(server, "http://usual").map(|c| (c.name, c.url, c.command));
        let all = |name: &str, url: &str, command: &str| Ok((name.to_owned(), url.to_owned(), command.to_owned()));
        assert_eq!(told("ours=A=1 offhook"), all("ours", "http://usual", "A=1 offhook"));
        assert_eq!(told("bare loop=http://h:1 x --loop"), all("bare loop", "http://h:1", "x --loop"));
        assert!(told("nothing").is_err() && told("x=").is_err());
    }

    #[test]
    fn the_order_goes_there_and_back_unless_told() {
        assert_eq!(order(None, 2).unwrap(), [0, 1, 0]);
        assert_eq!(order(None, 3).unwrap(), [0, 1, 2, 1, 0]);
        assert_eq!(order(Some("abAB"), 2).unwrap(), [0, 1, 0, 1]);
        assert!(order(Some("abc"), 2).unwrap_err().contains("no server c"));
        assert!(order(Some("aa"), 2).unwrap_err().contains("server b never runs"));
    }
}
