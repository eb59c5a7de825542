//! What the service has acknowledged, and in which of its lives: from then on it must be there, once.

use std::collections::HashMap;

/// A call that somebody wanted placed, and the service's word that it is.
#[derive(Debug, Clone)]
pub(crate) struct Wish {
    /// Under which idempotency key.
    pub(crate) key: String,
    /// What was sent with it.
    pub(crate) body: String,
    /// Who is called: nobody else calls that number.
    pub(crate) to: String,
    /// What the service calls it.
    pub(crate) call: String,
}

/// Something that the carrier reported of a call, and the service's word that it is written down.
#[derive(Debug, Clone)]
pub(crate) struct Report {
    /// The carrier's name of the call.
    pub(crate) sid: String,
    /// Who called or was called: nobody else has that number.
    pub(crate) number: String,
    /// The report's name among all, as the timeline has it.
    pub(crate) name: String,
}

/// All that was acknowledged.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    wishes: Vec<(u32, Wish)>,
    reports: Vec<(u32, Report)>,
    checked: (usize, usize),
}

/// What was acknowledged and not looked for since, by the number that was called or called from.
pub(crate) type Unchecked = HashMap<String, (Vec<Wish>, Vec<Report>)>;

impl Ledger {
    /// The service's word for a call, in this life.
    pub(crate) fn wish(&mut self, life: u32, wish: Wish) {
        self.wishes.push((life, wish));
    }

    /// The service's word for a report, in this life.
    pub(crate) fn report(&mut self, life: u32, report: Report) {
        self.reports.push((life, report));
    }

    /// What was acknowledged in earlier lives than this one and was not given out before, at most `most` of either.
    pub(crate) fn take_before(&mut self, life: u32, most: usize) -> Unchecked {
        let mut taken = Unchecked::new();
        let (wishes, reports) = self.checked;
        for (_, wish) in self.wishes[wishes..].iter().take(most).take_while(|(of, _)| *of < life) {
            taken.entry(wish.to.clone()).or_default().0.push(wish.clone());
            self.checked.0 += 1;
        }
        for (_, report) in self.reports[reports..].iter().take(most).take_while(|(of, _)| *of < life) {
            taken.entry(report.number.clone()).or_default().1.push(report.clone());
            self.checked.1 += 1;
        }
        taken
    }

    /// How many were given out to be checked.
    pub(crate) fn checked(&self) -> usize {
        self.checked.0 + self.checked.1
    }

    /// All calls that were acknowledged.
    pub(crate) fn wishes(&self) -> impl Iterator<Item = &Wish> {
        self.wishes.iter().map(|(_, wish)| wish)
    }

    /// All reports that were acknowledged.
    pub(crate) fn reports(&self) -> impl Iterator<Item = &Report> {
        self.reports.iter().map(|(_, report)| report)
    }
}
