//! The one place that prints: results to standard output, everything else to standard error.
//!
//! With `--json` the last line of standard output is one JSON object, and text for people goes to standard
//! error. Progress is shown on terminals only.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "results and messages of a command line go there, from here only"
)]

use std::io::{IsTerminal, Write, stderr, stdin, stdout};

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;

/// Where results go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    json: bool,
}

impl Output {
    pub(crate) const fn new(json: bool) -> Self {
        Self { json }
    }

    /// A line of the result.
    pub(crate) fn line(self, text: impl AsRef<str>) {
        if self.json {
            eprintln!("{}", text.as_ref());
        } else {
            // Who listens may go away (`| head`): that is no fault.
            drop(writeln!(stdout(), "{}", text.as_ref()));
        }
    }

    /// A remark beside the result.
    pub(crate) fn note(self, text: impl AsRef<str>) {
        // Who reads the JSON object finds remarks where the rest of the text is.
        let mark = if self.json { "note: " } else { "" };
        eprintln!("{mark}{}", text.as_ref());
    }

    /// Rows under a heading, each column as wide as its widest cell.
    pub(crate) fn table<const N: usize>(self, heading: [&str; N], rows: &[[String; N]]) {
        for line in layout(heading, rows) {
            self.line(line);
        }
    }

    /// The result for programs.
    pub(crate) fn result(self, value: &Value) {
        if self.json {
            println!("{value}");
        }
    }

    /// What went wrong.
    pub(crate) fn failed(self, message: &str, value: &Value) {
        eprintln!("error: {message}");
        self.result(value);
    }

    /// A bar that is only seen on a terminal.
    pub(crate) fn progress(self, what: &'static str, total: u64, bytes: bool) -> ProgressBar {
        if self.json || !stderr().is_terminal() {
            return ProgressBar::hidden();
        }
        let template = if bytes {
            "{msg} {bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta}"
        } else {
            "{msg} {bar:30} {percent} %"
        };
        let style = ProgressStyle::with_template(template)
            .unwrap_or_else(|_bad_template| ProgressStyle::default_bar());
        ProgressBar::new(total).with_style(style).with_message(what)
    }

    /// Whether a person at a terminal says yes. Programs are not asked: they said what they want.
    pub(crate) fn agrees(self, question: &str) -> bool {
        if self.json || !stdin().is_terminal() || !stderr().is_terminal() {
            return true;
        }
        eprint!("{question} [y/N] ");
        let mut answer = String::new();
        let read = stdin().read_line(&mut answer);
        read.is_ok() && matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
    }
}

fn layout<const N: usize>(heading: [&str; N], rows: &[[String; N]]) -> Vec<String> {
    let mut widths = heading.map(|cell| cell.chars().count());
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let line = |cells: [&str; N]| {
        let mut line = String::new();
        for (cell, width) in cells.iter().zip(widths) {
            let pad = width.saturating_sub(cell.chars().count()).saturating_add(2);
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', pad));
        }
        line.trim_end().to_owned()
    };
    let head = line(heading);
    let body = rows
        .iter()
        .map(|row| line(row.each_ref().map(String::as_str)));
    std::iter::once(head).chain(body).collect()
}

/// Bytes as people read them, in powers of ten.
pub(crate) fn show_bytes(bytes: u64) -> String {
    const UNITS: [(&str, u64); 4] = [
        ("TB", 1_000_000_000_000),
        ("GB", 1_000_000_000),
        ("MB", 1_000_000),
        ("kB", 1_000),
    ];
    for (unit, size) in UNITS {
        if bytes >= size {
            let tenths = bytes / (size / 10);
            return format!("{}.{} {unit}", tenths / 10, tenths % 10);
        }
    }
    format!("{bytes} bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let rows = [
            ["Door".to_owned(), "1".to_owned()],
            ["Türstation".to_owned(), "22".to_owned()],
        ];
        let lines = layout(["NAME", "N"], &rows);
        assert_eq!(lines, ["NAME        N", "Door        1", "Türstation  22"]);
    }

    #[test]
    fn bytes_are_short() {
        assert_eq!(show_bytes(999), "999 bytes");
        assert_eq!(show_bytes(1_550), "1.5 kB");
        assert_eq!(show_bytes(2_000_000_000_000), "2.0 TB");
    }
}
