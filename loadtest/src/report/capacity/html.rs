//! The report as a page to show around.

use super::{Plateau, Report, thousands};
use crate::capacity::budget::{Checked, short};
use crate::capacity::search::Verdict;
use crate::report::page::element::{Element, element};
use crate::report::page::page::Page;
use crate::report::page::table::{Cell, Table};

impl Report {
    /// As one HTML file that needs nothing else.
    #[must_use]
    pub fn html(&self) -> String {
        let mut page = Page::new(&format!("Capacity of {}", self.server.name));
        page.add([element("p").class("eyebrow").text("Capacity report"), element("h1").text(&self.says)]);
        page.add(self.missed.iter().chain(&self.void).map(|line| element("p").class("notice").text(line)));
        page.add([self.tiles()]);
        page.section("Budgets", "", [self.budgets()]);
        page.section("All that was played", "", [self.plateaus()]);
        page.section(
            "Conditions",
            "",
            [self.conditions(), element("pre").text(format!("loadtest {}", self.machine.command))],
        );
        page.html()
    }

    fn tiles(&self) -> Element {
        let mut tiles = vec![("calls held within budget".to_owned(), thousands(self.found.held))];
        if let Some(shown) = self.shown() {
            let f = &shown.figures;
            tiles.push(("barge-in, p95".into(), format!("{} ms", short(f.clear.p95_ms))));
            tiles.push(("first audio, p95".into(), format!("{} ms", short(f.first_audio.p95_ms))));
            if let Some(server) = &f.server {
                tiles.push(("CPU per call-second".into(), format!("{} ms", short(server.cpu_ms_per_call_second))));
                tiles.push(("memory per call".into(), format!("{} KiB", short(server.rss_kib_per_call))));
            }
        }
        let tile = |(name, value): (String, String)| {
            element("div").class("tile").child(element("b").text(value)).child(element("span").text(name))
        };
        element("div").class("tiles").children(tiles.into_iter().map(tile))
    }

    fn budgets(&self) -> Element {
        let mut table = Table::new(
            "each budget, at the calls held and at the first that were too many",
            ["budget", "at most", "held", "too many"],
        );
        let missed = self.plateaus.iter().rev().find(|p| Some(p.calls) == self.found.missed);
        let Some(shown) = self.shown() else { return table.draw() };
        for checked in &shown.budgets {
            let beside = missed.and_then(|plateau| plateau.budgets.iter().find(|b| b.name == checked.name));
            let limit = format!("{} {}", checked.budget, checked.unit);
            let cells = [Cell::figure(limit), verdict(Some(checked)), verdict(beside)];
            table.row(checked.name, cells);
        }
        table.draw()
    }

    fn plateaus(&self) -> Element {
        let head = [
            "calls",
            "verdict",
            "barge-in p50",
            "p95",
            "p99",
            "first audio p95",
            "lost",
            "missed",
            "false stops",
            "CPU per call-s",
            "core",
            "memory/call",
            "own lateness p99",
        ];
        let mut table = Table::new("in the order in which it was played", head);
        for plateau in &self.plateaus {
            let word = plateau.word();
            let verdict = match plateau.verdict {
                Verdict::Held => Cell::verdict("good", word),
                Verdict::Missed { .. } => Cell::verdict("bad", word),
                Verdict::Void => Cell::verdict("dull", word),
            };
            let cells = std::iter::once(verdict).chain(plateau.cells().into_iter().map(Cell::figure));
            table.row(thousands(plateau.calls), cells);
        }
        table.draw()
    }

    fn conditions(&self) -> Element {
        let mut table = Table::new("what it ran on", ["", ""]);
        let Self { machine, server, .. } = self;
        for (name, value) in [
            ("machine", format!("{} × {}, Linux {}", machine.cores, machine.cpu, machine.kernel)),
            ("server", format!("{} {} at {}", server.name, server.version.as_deref().unwrap_or(""), server.url)),
            ("started as", server.command.clone().unwrap_or_else(|| "by somebody else".into())),
            ("commit of the checkout", machine.commit.clone().unwrap_or_else(|| "unknown".into())),
            ("loadtest", self.program.clone()),
        ] {
            table.row(name, [Cell::words(value)]);
        }
        table.draw()
    }
}

fn verdict(checked: Option<&Checked>) -> Cell {
    match checked {
        None => Cell::words("–"),
        Some(Checked { measured: None, .. }) => Cell::verdict("bad", "not measured"),
        Some(Checked { measured: Some(measured), kept, .. }) => {
            Cell::verdict(if *kept { "good" } else { "bad" }, short(*measured))
        }
    }
}

impl Plateau {
    fn cells(&self) -> Vec<String> {
        let (f, counts) = (&self.figures, &self.figures.counts);
        let server = |figure: fn(&crate::report::fleet::Taken) -> String| {
            f.server.as_ref().map_or_else(|| "–".to_owned(), figure)
        };
        vec![
            short(f.clear.p50_ms),
            short(f.clear.p95_ms),
            short(f.clear.p99_ms),
            short(f.first_audio.p95_ms),
            f.lost().to_string(),
            counts.missed.to_string(),
            counts.false_clears.to_string(),
            server(|s| format!("{:.3} ms", s.cpu_ms_per_call_second)),
            server(|s| format!("{:.0} %", s.core_percent)),
            server(|s| format!("{:.1} KiB", s.rss_kib_per_call)),
            format!("{:.2} ms", f.own_lateness.p99_ms),
        ]
    }
}
