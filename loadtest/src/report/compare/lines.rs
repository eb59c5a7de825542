//! The comparison as text.

use std::fmt::Write as _;

use super::Report;
use crate::capacity::budget::short;

impl Report {
    /// As text for people.
    #[must_use]
    pub fn lines(&self) -> String {
        let mut text = format!("{}\norder: {}\n\n", self.says, self.order.join(", "));
        // Writing to a String cannot fail.
        let _ = self.write(&mut text);
        for line in self.missed.iter().map(|missed| format!("MISSED: {missed}")).chain(self.void.clone()) {
            let _ = writeln!(text, "{line}");
        }
        text
    }

    fn write(&self, text: &mut String) -> std::fmt::Result {
        write!(text, "{:<34}", "median of the runs")?;
        for contender in &self.contenders {
            write!(text, "{:>24}", contender.name.chars().take(22).collect::<String>())?;
        }
        writeln!(text)?;
        for row in &self.rows {
            write!(text, "{:<34}", format!("{}{}{}", row.name, if row.unit.is_empty() { "" } else { ", " }, row.unit))?;
            for (index, (median, ratio)) in row.medians.iter().zip(&row.ratios).enumerate() {
                let value = median.map_or_else(|| "–".to_owned(), short);
                let ratio = ratio.filter(|_| index > 0).map(|ratio| format!(" ({ratio:.2} ×)")).unwrap_or_default();
                write!(text, "{:>24}", value + &ratio)?;
            }
            writeln!(text)?;
        }
        Ok(())
    }
}
