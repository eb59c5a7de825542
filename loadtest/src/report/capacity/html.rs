//! The report as a page to show around: the answer first, then what it rests on.

mod charts;
mod tables;

use super::{Plateau, Report};
use crate::capacity::budget::short;
use crate::report::page::element::{Element, element};
use crate::report::page::histogram::histogram;
use crate::report::page::number::thousands;
use crate::report::page::page::Page;
use crate::report::page::timeline::timeline;
use crate::twilio::date::rfc2822;

const METHOD: &str = "Each call is a caller on a media stream: a frame of 20 ms of sound every 20 ms, on a schedule fixed \
    when the call begins and kept whether the server keeps up or not. The callers interrupt the bot again and again with \
    recorded human voices whose first sample of speech is labelled. Barge-in is counted from that sample, as it would be \
    spoken into a telephone, to the server’s clear; so it contains up to 20 ms in which the carrier fills the frame. First \
    audio is from the stream’s start to the first sound. The number of calls is doubled until a budget is missed, then \
    the gap is halved; the answer is measured once more for longer. A miss by little is tried once more before it counts. \
    Whenever the caller’s own frames were late the measurement is void, as it then measured the caller.";

impl Report {
    /// As one HTML file that needs nothing else.
    #[must_use]
    pub fn html(&self) -> String {
        let mut page = Page::new(&format!("Capacity of {}", self.server.name));
        let day = rfc2822(self.ended_unix_s);
        page.add([element("p").class("eyebrow").text(format!("Capacity report · {} · {day}", self.server.name))]);
        page.add([element("h1").text(&self.says)]);
        page.add(self.missed.iter().chain(&self.void).map(|line| element("p").class("notice").text(line)));
        page.add([self.tiles(), self.footnote()]);
        page.section("Budgets", "What had to be kept, and what became of it.", [self.budget_table()]);
        self.search(&mut page);
        if let Some(shown) = self.shown() {
            self.times(&mut page, shown);
            stories(&mut page, shown);
        }
        self.asides(&mut page);
        page.section("How it was measured", METHOD, []);
        let command = element("pre").text(format!("loadtest {}", self.machine.command));
        page.section("Machine, versions, command", "", [self.conditions(), command]);
        page.add([
            element("footer").text("Made by loadtest. This file is complete: it loads nothing, and works offline.")
        ]);
        page.html()
    }

    fn tiles(&self) -> Element {
        let per_core = if self.server.core.is_some() { " per core" } else { "" };
        let mut tiles = vec![(format!("calls{per_core} within budget"), thousands(self.found.held))];
        if let Some(shown) = self.shown() {
            let f = &shown.figures;
            tiles.push(("barge-in, 95 of 100".into(), format!("{} ms", short(f.clear.p95_ms))));
            tiles.push(("first audio, 95 of 100".into(), format!("{} ms", short(f.first_audio.p95_ms))));
            let of = format!("of {} interruptions missed", thousands(f.counts.interruptions as usize));
            tiles.push((of, thousands(f.counts.missed as usize)));
            if let Some(server) = &f.server {
                tiles.push(("CPU per call-second".into(), format!("{:.3} ms", server.cpu_ms_per_call_second)));
                tiles.push(("memory per call".into(), format!("{:.1} KiB", server.rss_kib_per_call)));
            }
        }
        let tile = |(name, value): (String, String)| {
            element("div").class("tile").child(element("b").text(value)).child(element("span").text(name))
        };
        element("div").class("tiles").children(tiles.into_iter().map(tile))
    }

    /// What the words of the first sentence mean.
    fn footnote(&self) -> Element {
        let core =
            self.server.core.map(|core| format!("The server was kept on core {core}, this program on another. "));
        let proof = match self.proof() {
            Some(proof) => format!(
                "The figures are those of {:.0} s with {} calls at once. ",
                proof.figures.seconds,
                thousands(proof.calls)
            ),
            None => String::new(),
        };
        let most = if self.carried > self.found.held {
            "“At most” is what was carried without losing a call, budgets aside."
        } else {
            ""
        };
        element("p").class("soft").text(core.unwrap_or_default() + &proof + most)
    }

    fn search(&self, page: &mut Page) {
        let about = "Green was held, red missed a budget, grey is void. Below it, second by second, how soon interruptions \
            were answered, and how busy the server was.";
        let wide = [self.calls_over_time(), self.clear_over_time(), self.core_over_time()];
        page.section("Calls over time", about, wide.into_iter().flatten());
        let pair =
            element("div").class("pair").children([self.clear_by_calls(), self.cpu_by_calls()].into_iter().flatten());
        page.section("What more calls cost", "Each point is a number of calls that was held for a while.", [pair]);
        page.add([self.plateau_table()]);
    }

    fn times(&self, page: &mut Page, shown: &Plateau) {
        let (f, h, b) = (&shown.figures, &shown.histograms, &self.budgets);
        let drawn = [
            histogram("Barge-in", "onset of speech → clear", &h.clear, &f.clear, b.clear_p95_ms),
            histogram("First audio", "start → first sound", &h.first_audio, &f.first_audio, b.first_audio_p95_ms),
            histogram("The server’s share of barge-in", "last frame sent → clear", &h.share, &f.share, None),
            histogram(
                "Frame lateness",
                "this program’s frames behind their schedule",
                &h.own_lateness,
                &f.own_lateness,
                None,
            ),
        ];
        let about = format!("With {} calls at once, measured for {:.0} s.", thousands(shown.calls), f.seconds);
        page.section(
            "How the times are spread",
            &about,
            [element("div").class("pair").children(drawn), tables::spreads(shown)],
        );
        page.section("What the server took", "", self.taken_table(shown));
    }

    fn asides(&self, page: &mut Page) {
        if !self.scenes.is_empty() {
            let about = "With four fifths of the calls that are held: a real day is no plateau.";
            page.section("Other ways of calling", about, [self.scene_table()]);
        }
        if let Some(features) = &self.features {
            let about =
                "The same calls, the server started differently each time; as started at the beginning and at the end.";
            page.section("What features cost", about, [tables::features(features)]);
        }
    }
}

fn stories(page: &mut Page, shown: &Plateau) {
    let about = "What led to the latest reactions of all calls, up to that moment. Bars are what was heard: the bot above, \
        the caller below.";
    page.section("The worst calls", about, shown.worst.iter().map(timeline));
}
