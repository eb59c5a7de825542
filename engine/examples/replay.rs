//! Replays a captured call: the timeline of its decisions, or beside it what other parameters would have made of it.
//!
//! ```text
//! cargo run -p offhook-engine --example replay -- call.capture
//! cargo run -p offhook-engine --example replay -- call.capture --onset-blocks 6 --end-silence-ms 700
//! ```
//! Exit code 0: the program decides as it did on the call, or the comparison was shown; 1: it decides otherwise, or
//! the capture is not whole; 2: nothing could be replayed.

use std::fs::File;
use std::io::BufReader;
use std::process::ExitCode;
use std::str::FromStr;
use std::time::Duration;

use engine::capture::{Decision, Moment, Reader, Story, Verdict};
use engine::turn::TurnParams;

const USAGE: &str = "usage: replay FILE [options]

Replays a captured call. With an option that changes a parameter of turn-taking, shows side by side what would have
been decided otherwise: exact up to the first difference, from there an estimate.

  --onset-blocks N        active blocks of 10 ms that make an onset
  --early-ms N            how long an utterance is harder to interrupt
  --early-onset-blocks N  active blocks that an interruption needs then
  --echo-margin-db X      echo margin until the call's own echo is known
  --echo-window-ms N      how far back what we sent may echo
  --end-silence-ms N      silence that ends a turn
  --marks                 show marks too";

/// What was asked for.
struct Asked {
    file: String,
    /// Options that change a parameter, with their values.
    changes: Vec<(String, String)>,
    marks: bool,
}

fn main() -> ExitCode {
    let outcome = ask(std::env::args().skip(1)).and_then(|asked| show(&asked));
    outcome.unwrap_or_else(|error| {
        eprintln!("{error}");
        ExitCode::from(2)
    })
}

fn ask(mut args: impl Iterator<Item = String>) -> Result<Asked, String> {
    let mut asked = Asked { file: String::new(), changes: Vec::new(), marks: false };
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--help" | "-h" => return Err(USAGE.to_owned()),
            "--marks" => asked.marks = true,
            option if option.starts_with('-') => {
                let value = args.next().ok_or_else(|| format!("{option} needs a value\n\n{USAGE}"))?;
                asked.changes.push((arg, value));
            }
            _ if asked.file.is_empty() => asked.file = arg,
            _ => return Err(format!("one file at a time: {arg} is one too many\n\n{USAGE}")),
        }
    }
    if asked.file.is_empty() { Err(USAGE.to_owned()) } else { Ok(asked) }
}

fn changed(mut turn: TurnParams, changes: &[(String, String)]) -> Result<TurnParams, String> {
    for (option, value) in changes {
        match option.as_str() {
            "--onset-blocks" => turn.onset_blocks = number(option, value)?,
            "--early-ms" => turn.early = ms(option, value)?,
            "--early-onset-blocks" => turn.early_onset_blocks = number(option, value)?,
            "--echo-margin-db" => turn.echo_margin_db = number(option, value)?,
            "--echo-window-ms" => turn.echo_window = ms(option, value)?,
            "--end-silence-ms" => turn.end_silence = ms(option, value)?,
            _ => return Err(format!("there is no option {option}\n\n{USAGE}")),
        }
    }
    Ok(turn)
}

fn number<T: FromStr>(option: &str, value: &str) -> Result<T, String> {
    value.parse().map_err(|_| format!("{option}: {value} is no number in its range"))
}

fn ms(option: &str, value: &str) -> Result<Duration, String> {
    number::<u32>(option, value).map(|ms| Duration::from_millis(u64::from(ms)))
}

fn show(asked: &Asked) -> Result<ExitCode, String> {
    let name = |error| format!("{}: {error}", asked.file);
    let file = File::open(&asked.file).map_err(|error| name(error.to_string()))?;
    let capture = Reader::new(BufReader::new(file)).map_err(|error| name(error.to_string()))?;
    let turn = changed(capture.header().turn, &asked.changes)?;
    if asked.changes.is_empty() {
        let story = Story::replay(capture);
        show_story(&story, asked.marks);
        return Ok(judge(&story));
    }
    let story = Story::what_if(capture, turn);
    println!("recorded with {:?}\nreplayed with {turn:?}\n", story.header.turn);
    show_rows(&story, asked.marks);
    say_what_is_missing(&story);
    Ok(ExitCode::SUCCESS)
}

/// The call's decisions; what the replay does otherwise is marked.
fn show_story(story: &Story, marks: bool) {
    for (recorded, replayed) in story.rows() {
        let (Some(moment), sign) = (match (recorded, replayed) {
            (Some(a), Some(b)) if a == b => (Some(a), ' '),
            (Some(a), Some(b)) => {
                println!("- {}", line(&a));
                (Some(b), '+')
            }
            (Some(a), None) => (Some(a), '-'),
            (None, b) => (b, '+'),
        }) else {
            continue;
        };
        if sign != ' ' || is_shown(&moment, marks) {
            println!("{sign} {}", line(&moment));
        }
    }
}

/// What was decided, on the left; what would have been, on the right where it is not the same.
fn show_rows(story: &Story, marks: bool) {
    let mut same = true;
    for (recorded, replayed) in story.rows() {
        if !recorded.iter().chain(&replayed).any(|moment| is_shown(moment, marks)) {
            continue;
        }
        if same && recorded != replayed {
            same = false;
            println!("{:-<58}+{:-<58}", "", "-- from here an estimate ");
        }
        let left = recorded.map_or(String::new(), |moment| line(&moment));
        let right = match (recorded, replayed) {
            (Some(a), Some(b)) if a == b => "=".to_owned(),
            (Some(a), Some(b)) => format!("{}{}", line(&b), apart(a.at, b.at)),
            (_, b) => b.map_or("–".to_owned(), |moment| line(&moment)),
        };
        println!("{left:<58}| {right}");
    }
    if same {
        println!("\nNothing would have been decided otherwise.");
    }
}

fn apart(was: Duration, would_be: Duration) -> String {
    match would_be.as_millis() as i128 - was.as_millis() as i128 {
        0 => String::new(),
        ms => format!("  ({ms:+} ms)"),
    }
}

fn is_shown(moment: &Moment, marks: bool) -> bool {
    marks || !matches!(moment.decision, Decision::Mark(_))
}

fn line(moment: &Moment) -> String {
    let ms = moment.at.as_millis();
    format!("{:>6}.{:03}  {}", ms / 1_000, ms % 1_000, moment.decision)
}

fn judge(story: &Story) -> ExitCode {
    let whole = say_what_is_missing(story);
    match story.verdict() {
        Verdict::Identical => println!("Identical: the program decides as it did on the call."),
        Verdict::OtherSound => println!("Every decision is the same, but some sound is not."),
        Verdict::Differs(at) => {
            let at = story.recorded.get(at).or(story.replayed.get(at)).map(line).unwrap_or_default();
            println!("The program decides otherwise than on the call, first here: {}", at.trim_start());
        }
    }
    if whole && story.verdict() == Verdict::Identical { ExitCode::SUCCESS } else { ExitCode::from(1) }
}

/// False when something is.
fn say_what_is_missing(story: &Story) -> bool {
    for (at, records) in &story.missed {
        println!("At {} ms {records} records are missing: nothing can be compared from there.", at.as_millis());
    }
    story.broken.iter().for_each(|error| println!("{error}"));
    story.missed.is_empty() && story.broken.is_none()
}
