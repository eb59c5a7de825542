//! The comparison as a page to show around.

use super::{Contender, Report};
use crate::capacity::budget::short;
use crate::report::page::element::{Element, element};
use crate::report::page::histogram::histogram;
use crate::report::page::number::thousands;
use crate::report::page::page::Page;
use crate::report::page::table::{Cell, Table};
use crate::twilio::date::rfc2822;

const METHOD: &str = "Each server is started in turn, alone on the same core, and ended before the next; every time the \
    same callers with the same seed call from another core. A ratio is to the first server. Machines change their speed \
    from minute to minute: that is why a server runs more than once, and why ratios of one session are worth more than \
    absolute values. A run in which the caller’s own frames were late is void and left out of the medians.";

impl Report {
    /// As one HTML file that needs nothing else.
    #[must_use]
    pub fn html(&self) -> String {
        let names: Vec<&str> = self.contenders.iter().map(|contender| contender.name.as_str()).collect();
        let mut page = Page::new(&format!("Comparison of {}", names.join(", ")));
        page.add([element("p").class("eyebrow").text(format!("Comparison · {}", rfc2822(self.ended_unix_s)))]);
        page.add([element("h1").text(&self.says)]);
        page.add(self.missed.iter().chain(&self.void).map(|line| element("p").class("notice").text(line)));
        page.section("Side by side", "The median of each server’s runs, and its ratio to the first.", [self.medians()]);
        page.section("Run by run", &format!("In this order: {}.", self.order.join(", ")), [self.runs()]);
        let drawn = self.contenders.iter().filter_map(barge_in);
        let about = "One run of each server, the one in the middle by processor time.";
        page.section("Barge-in", about, [element("div").class("pair").children(drawn)]);
        page.section("How it was measured", METHOD, []);
        let command = element("pre").text(format!("loadtest {}", self.machine.command));
        page.section("Machine, versions, command", "", [self.conditions(), command]);
        page.add([
            element("footer").text("Made by loadtest. This file is complete: it loads nothing, and works offline.")
        ]);
        page.html()
    }

    fn medians(&self) -> Element {
        let head = std::iter::once("").chain(self.contenders.iter().map(|contender| contender.name.as_str()));
        let mut table = Table::new(&format!("{} calls at once", thousands(self.calls)), head);
        for row in &self.rows {
            let cells = row.medians.iter().zip(&row.ratios).enumerate().map(|(index, (median, ratio))| {
                let value = median.map_or_else(|| "–".to_owned(), |value| format!("{} {}", short(value), row.unit));
                let ratio = ratio.filter(|_| index > 0).map(|ratio| format!(" = {ratio:.2} ×")).unwrap_or_default();
                Cell::figure(value + &ratio)
            });
            table.row(row.name, cells);
        }
        table.draw()
    }

    fn runs(&self) -> Element {
        let head = [
            "server",
            "run",
            "CPU per call-s, ms",
            "of a core",
            "memory per call",
            "barge-in p50, ms",
            "p95",
            "p99",
            "first audio p95, ms",
            "lost",
            "missed",
            "false stops",
            "own frames late, p99",
        ];
        let mut table = Table::new("each server was started afresh for each run", head);
        for contender in &self.contenders {
            for (index, run) in contender.runs.iter().enumerate() {
                let f = &run.figures;
                let server = f.server.as_ref();
                let cells = [
                    if f.void.is_some() { format!("{}, void", index + 1) } else { (index + 1).to_string() },
                    server.map_or("–".into(), |s| format!("{:.3}", s.cpu_ms_per_call_second)),
                    server.map_or("–".into(), |s| format!("{:.0} %", s.core_percent)),
                    server.map_or("–".into(), |s| format!("{:.1} KiB", s.rss_kib_per_call)),
                    short(f.clear.p50_ms),
                    short(f.clear.p95_ms),
                    short(f.clear.p99_ms),
                    short(f.first_audio.p95_ms),
                    f.lost().to_string(),
                    f.counts.missed.to_string(),
                    f.counts.false_clears.to_string(),
                    format!("{:.2} ms", f.own_lateness.p99_ms),
                ];
                table.row(&contender.name, cells.map(Cell::figure));
            }
        }
        table.draw()
    }

    fn conditions(&self) -> Element {
        let mut table = Table::new("where, with what, when", ["", ""]);
        let machine = &self.machine;
        for contender in &self.contenders {
            let version = contender.version.as_deref().unwrap_or("version unknown");
            table.row(
                &contender.name,
                [Cell::words(format!("{version}, at {}, started as: {}", contender.url, contender.command))],
            );
        }
        for (name, value) in [
            ("machine", format!("{} × {}", machine.cores, machine.cpu)),
            ("system", format!("Linux {}, load {} when it began", machine.kernel, machine.load_1m)),
            ("servers on", self.core.map_or("any core".into(), |core| format!("core {core} alone"))),
            ("commit of the checkout", machine.commit.clone().unwrap_or_else(|| "unknown".into())),
            ("loadtest", self.program.clone()),
        ] {
            table.row(name, [Cell::words(value)]);
        }
        table.draw()
    }
}

fn barge_in(contender: &Contender) -> Option<Element> {
    let run = contender.typical()?;
    Some(histogram(&contender.name, "onset of speech → clear", &run.histograms.clear, &run.figures.clear, None))
}
