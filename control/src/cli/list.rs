//! What all lists have in common: how many are wanted, and how they are shown.

use clap::{Arg, ArgMatches, Command, value_parser};
use serde_json::json;

use super::api::Listed;
use super::output::Output;
use super::table::Table;

/// Adds how many are wanted.
pub(super) fn with_limit(command: Command) -> Command {
    let range = value_parser!(u32).range(1..=100_000);
    let limit = Arg::new("limit").long("limit").value_name("COUNT").default_value("50").value_parser(range);
    command.arg(limit.help("At most so many, the newest first"))
}

/// How many are wanted.
pub(super) fn limit(matches: &ArgMatches) -> usize {
    matches.get_one::<u32>("limit").map_or(50, |limit| *limit as usize)
}

/// A list as a table, or as `{"items": …, "next_cursor": …}`.
pub(super) fn show(listed: Listed, head: &'static [&'static str], members: &[&str]) -> Output {
    let text = Table::of(head, &listed.items, members).text();
    let more = !listed.next.is_null();
    let count = listed.items.len();
    let output = Output::new(text, json!({"items": listed.items, "next_cursor": listed.next}));
    if more { output.remark(format!("the newest {count}; there are more: see --limit")) } else { output }
}
