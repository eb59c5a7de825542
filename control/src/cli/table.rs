//! Columns for people: as wide as their widest cell, two blanks between them.

use serde_json::Value;

/// Rows under a head.
#[derive(Debug)]
pub(super) struct Table {
    head: &'static [&'static str],
    rows: Vec<Vec<String>>,
}

impl Table {
    /// No row yet.
    pub(super) fn new(head: &'static [&'static str]) -> Self {
        Self { head, rows: Vec::new() }
    }

    /// One row per item; `members` are looked up in each, in the order of the head.
    pub(super) fn of(head: &'static [&'static str], items: &[Value], members: &[&str]) -> Self {
        let row = |item: &Value| members.iter().map(|name| shown(&item[*name])).collect();
        Self { head, rows: items.iter().map(row).collect() }
    }

    /// One more.
    pub(super) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// The text.
    pub(super) fn text(&self) -> String {
        let head: Vec<String> = self.head.iter().map(|name| name.to_uppercase()).collect();
        let lines = || std::iter::once(&head).chain(&self.rows);
        let width = |column: usize| lines().filter_map(|line| line.get(column)).map(|c| c.chars().count()).max();
        let widths: Vec<usize> = (0..self.head.len()).map(|column| width(column).unwrap_or_default()).collect();
        let padded = |line: &Vec<String>| {
            let cells = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
        };
        lines().map(padded).collect()
    }
}

/// A thing as `name  value` lines.
pub(super) fn card(thing: &Value, members: &[&str]) -> String {
    let width = members.iter().map(|name| name.len()).max().unwrap_or_default();
    members.iter().map(|name| format!("{name:<width$}  {}\n", shown(&thing[*name]))).collect()
}

/// A value in a cell: what steers a terminal is not let through.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let items = [json!({"id": "1", "name": "ab"}), json!({"id": "22", "name": null})];
        let table = Table::of(&["id", "name"], &items, &["id", "name"]);
        assert_eq!(table.text(), "ID  NAME\n1   ab\n22  -\n");
        assert_eq!(card(&items[0], &["id", "name"]), "id    1\nname  ab\n");
    }

    #[test]
    fn what_steers_a_terminal_is_not_let_through() {
        assert_eq!(shown(&json!("a\u{1b}[2Jb\n")), "a [2Jb ");
    }
}
