//! The tables of the page.

use crate::capacity::budget::{Checked, short};
use crate::capacity::search::Verdict;
use crate::report::capacity::{Aside, Features, Plateau, Report};
use crate::report::fleet::Taken;
use crate::report::page::element::Element;
use crate::report::page::number::thousands;
use crate::report::page::table::{Cell, Table};

/// Figures of a plateau, without its number of calls and its verdict.
const FIGURES: [&str; 11] = [
    "barge-in p50, ms",
    "p95",
    "p99",
    "first audio p95, ms",
    "lost",
    "missed",
    "false stops",
    "CPU per call-s, ms",
    "of a core",
    "memory per call",
    "own frames late, p99",
];

impl Report {
    pub(super) fn budget_table(&self) -> Element {
        let Some(shown) = self.shown() else { return Table::new("nothing was played", ["budget"]).draw() };
        let missed = self.plateaus.iter().rev().find(|plateau| Some(plateau.calls) == self.found.missed);
        let columns = [
            "budget".to_owned(),
            "at most".to_owned(),
            format!("{} calls", thousands(shown.calls)),
            missed.map_or("more calls".into(), |missed| format!("{} calls", thousands(missed.calls))),
        ];
        let about = "at the calls that are held, and at the least number that was not";
        let mut table = Table::new(about, columns.iter().map(String::as_str));
        for checked in &shown.budgets {
            let beside = missed.and_then(|plateau| plateau.budgets.iter().find(|other| other.name == checked.name));
            let limit = format!("{} {}", checked.budget, checked.unit);
            table.row(checked.name, [Cell::figure(limit), judged(Some(checked)), judged(beside)]);
        }
        table.draw()
    }

    pub(super) fn plateau_table(&self) -> Element {
        let mut table = Table::new("all that was played, in order", ["calls", "verdict"].into_iter().chain(FIGURES));
        for plateau in &self.plateaus {
            table.row(thousands(plateau.calls), row(plateau));
        }
        table.draw()
    }

    pub(super) fn scene_table(&self) -> Element {
        let head = ["scene", "what is different", "verdict"].into_iter().chain(FIGURES);
        let calls = self.scenes.first().map_or(0, |scene| scene.plateau.calls);
        let mut table = Table::new(&format!("{} calls at once", thousands(calls)), head);
        for Aside { name, about, plateau } in &self.scenes {
            table.row(name, std::iter::once(Cell::words(about)).chain(row(plateau)));
        }
        table.draw()
    }

    pub(super) fn taken_table(&self, shown: &Plateau) -> Vec<Element> {
        let f = &shown.figures;
        let mut table = Table::new(
            "processor time in the measured time, by the frames that were sent",
            [
                "",
                "CPU per call-second",
                "share of one core",
                "calls per core at that price",
                "memory per call",
                "memory idle, loaded, after",
                "descriptors idle, loaded, after",
            ],
        );
        let mut add = |name: &str, taken: &Taken| {
            let [idle, loaded, after] = taken.descriptors;
            table.row(
                name,
                [
                    Cell::figure(format!("{:.3} ms", taken.cpu_ms_per_call_second)),
                    Cell::figure(format!("{:.0} %", taken.core_percent)),
                    Cell::figure(thousands(taken.calls_per_core as usize)),
                    Cell::figure(format!("{:.1} KiB", taken.rss_kib_per_call)),
                    Cell::figure(format!(
                        "{}, {}, {} MiB",
                        taken.rss_idle_kib / 1_024,
                        taken.rss_kib / 1_024,
                        taken.rss_after_kib / 1_024
                    )),
                    Cell::figure(format!("{idle}, {loaded}, {after}")),
                ],
            );
        };
        if let Some(server) = &f.server {
            add("server", server);
        }
        add("this program", &f.own);
        let mut threads = Table::new("the server by thread, ms per call-second", ["thread", "CPU"]);
        for (name, ms) in f.server.iter().flat_map(|server| &server.threads) {
            threads.row(name, [Cell::figure(format!("{ms:.3} ms"))]);
        }
        let mut reasons = Table::new("why calls were lost", ["reason", "calls"]);
        for (why, count) in &f.lost {
            reasons.row(why, [Cell::figure(count)]);
        }
        [table, threads, reasons].into_iter().filter(|table| !table.is_empty()).map(Table::draw).collect()
    }

    pub(super) fn conditions(&self) -> Element {
        let mut table = Table::new("where, with what, when", ["", ""]);
        let Self { machine, server, .. } = self;
        let version = server.version.as_deref().unwrap_or("version unknown");
        let started = match &server.command {
            Some(command) if server.afresh => format!("{command}  (afresh for each number of calls)"),
            Some(command) => command.clone(),
            None => "by somebody else".into(),
        };
        let core = server.core.map_or("not said".to_owned(), |core| format!("core {core} alone"));
        let shown = self.shown().map(|shown| &shown.figures);
        for (name, value) in [
            ("machine", format!("{} × {}", machine.cores, machine.cpu)),
            ("system", format!("Linux {}, load {} when it began", machine.kernel, machine.load_1m)),
            ("server", format!("{}, {version}, at {}", server.name, server.url)),
            ("started as", started),
            ("on", core),
            ("commit of the checkout", machine.commit.clone().unwrap_or_else(|| "unknown".into())),
            ("loadtest", self.program.clone()),
            ("seed", shown.map_or_else(String::new, |f| f.settings.seed.to_string())),
            ("taken by the hypervisor", shown.map_or_else(String::new, |f| format!("{:.1} %", f.stolen_percent))),
        ] {
            table.row(name, [Cell::words(value)]);
        }
        table.draw()
    }
}

/// Percentiles of all times, and per clip.
pub(super) fn spreads(shown: &Plateau) -> Element {
    let f = &shown.figures;
    let mut table = Table::new("ms", ["", "count", "p50", "p95", "p99", "longest"]);
    let named = [
        ("onset of speech → clear", f.clear),
        ("last frame sent → clear", f.share),
        ("start → first sound", f.first_audio),
        ("socket round trip (ping)", f.ping),
        ("gaps in the bot’s speech", f.gap),
        ("own frames late", f.own_lateness),
    ];
    let clips = f.clips.iter().map(|(name, figures)| (format!("onset → clear, {name}"), *figures));
    for (name, figures) in named.into_iter().map(|(name, figures)| (name.to_owned(), figures)).chain(clips) {
        let times = [figures.p50_ms, figures.p95_ms, figures.p99_ms, figures.max_ms];
        let count = Cell::figure(thousands(figures.count as usize));
        table.row(name, std::iter::once(count).chain(times.map(|ms| Cell::figure(format!("{ms:.2}")))));
    }
    table.draw()
}

/// A row per feature.
pub(super) fn features(features: &Features) -> Element {
    let head = ["feature", "started as", "CPU per call-second", "difference", "memory per call", "barge-in p95"];
    let mut table = Table::new(&format!("{} calls at once", thousands(features.plain[0].calls)), head);
    let plain = features.plain_cpu_ms();
    let mut add = |name: &str, about: &str, plateau: &Plateau, against: Option<f64>| {
        let cpu = plateau.cpu_ms();
        let difference = cpu
            .zip(against)
            .map(|(cpu, plain)| format!("{:+.3} ms ({:+.0} %)", cpu - plain, (cpu - plain) * 100.0 / plain.max(0.001)));
        let memory = plateau.figures.server.as_ref().map(|server| format!("{:.1} KiB", server.rss_kib_per_call));
        table.row(
            name,
            [
                Cell::words(about),
                Cell::figure(cpu.map_or("–".into(), |cpu| format!("{cpu:.3} ms"))),
                Cell::figure(difference.unwrap_or_else(|| "–".into())),
                Cell::figure(memory.unwrap_or_else(|| "–".into())),
                Cell::figure(format!("{} ms", short(plateau.figures.clear.p95_ms))),
            ],
        );
    };
    let [before, behind] = &features.plain;
    add("as started", "at the beginning", before, None);
    for Aside { name, about, plateau } in &features.each {
        add(name, about, plateau, plain);
    }
    add("as started", "at the end", behind, None);
    table.draw()
}

fn judged(checked: Option<&Checked>) -> Cell {
    match checked {
        None => Cell::words("–"),
        Some(Checked { measured: None, .. }) => Cell::verdict("bad", "✗ not measured"),
        Some(Checked { measured: Some(measured), kept: true, .. }) => {
            Cell::verdict("good", format!("✓ {}", short(*measured)))
        }
        Some(Checked { measured: Some(measured), .. }) => Cell::verdict("bad", format!("✗ {}", short(*measured))),
    }
}

/// Verdict and [`FIGURES`].
fn row(plateau: &Plateau) -> Vec<Cell> {
    let (f, counts) = (&plateau.figures, &plateau.figures.counts);
    let word = plateau.word();
    let verdict = match plateau.verdict {
        Verdict::Held => Cell::verdict("good", word),
        Verdict::Missed { .. } => Cell::verdict("bad", word),
        Verdict::Void => Cell::verdict("dull", word),
    };
    let server = |figure: fn(&Taken) -> String| f.server.as_ref().map_or_else(|| "–".to_owned(), figure);
    let figures = [
        short(f.clear.p50_ms),
        short(f.clear.p95_ms),
        short(f.clear.p99_ms),
        short(f.first_audio.p95_ms),
        f.lost().to_string(),
        counts.missed.to_string(),
        counts.false_clears.to_string(),
        server(|s| format!("{:.3}", s.cpu_ms_per_call_second)),
        server(|s| format!("{:.0} %", s.core_percent)),
        server(|s| format!("{:.1} KiB", s.rss_kib_per_call)),
        format!("{:.2} ms", f.own_lateness.p99_ms),
    ];
    std::iter::once(verdict).chain(figures.into_iter().map(Cell::figure)).collect()
}
