//! Reading the rows of an import, one at a time, whatever the size of the file.
//!
//! What cannot be read is a refused row with its line, never a repaired one: half a line or a
//! replaced letter must not become a member.

use anyhow::{Context, bail};
use guildhall_app::import::ImportRow;
use std::cell::Cell;
use std::io::{self, BufRead, Read};
use std::rc::Rc;

/// The longest row, in bytes: a member JSON of 1 MB and room for the rest.
const ROW_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// The same in words.
const TOO_LONG: &str = "the row is longer than 4 MiB";

/// A file, or standard input.
pub(super) type Input = Box<dyn BufRead + Send>;

/// Lines of JSON as rows; empty lines are passed over.
pub(super) fn json(input: Input) -> impl Iterator<Item = ImportRow> {
    JsonLines { input, line: 0, ended: false }
}

struct JsonLines {
    input: Input,
    line: u64,
    ended: bool,
}

impl Iterator for JsonLines {
    type Item = ImportRow;

    fn next(&mut self) -> Option<ImportRow> {
        while !self.ended {
            self.line += 1;
            let mut bytes = Vec::new();
            match self.read_line(&mut bytes) {
                Ok(0) => self.ended = true,
                Ok(_) if bytes.trim_ascii().is_empty() && !is_too_long(&bytes) => {}
                Ok(_) => return Some(self.row(&bytes)),
                Err(error) => {
                    self.ended = true;
                    return Some(refused(self.line, format!("the file cannot be read further: {error}")));
                }
            }
        }
        None
    }
}

impl JsonLines {
    /// A line with its end. Of one that is too long, a byte more than is allowed; the rest of it is
    /// passed over.
    fn read_line(&mut self, bytes: &mut Vec<u8>) -> io::Result<usize> {
        let read = self.input.by_ref().take(ROW_BYTES_MAX + 1).read_until(b'\n', bytes)?;
        if is_too_long(bytes) {
            self.input.skip_until(b'\n')?;
        }
        Ok(read)
    }

    fn row(&self, bytes: &[u8]) -> ImportRow {
        if is_too_long(bytes) {
            return refused(self.line, TOO_LONG.into());
        }
        match std::str::from_utf8(bytes) {
            Ok(text) if self.line == 1 => {
                ImportRow::from_json_line(1, text.strip_prefix('\u{feff}').unwrap_or(text))
            }
            Ok(text) => ImportRow::from_json_line(self.line, text),
            Err(_) => refused(self.line, "the line is not UTF-8".into()),
        }
    }
}

fn is_too_long(bytes: &[u8]) -> bool {
    bytes.len() as u64 > ROW_BYTES_MAX && bytes.last() != Some(&b'\n')
}

/// Makes a row of the line and the cells of a record, each with the name of its column.
pub(super) type FromCells<'f> =
    Box<dyn for<'a> Fn(u64, &mut dyn Iterator<Item = (&'a str, &'a str)>) -> ImportRow + 'f>;

/// Records of CSV as rows.
///
/// # Errors
/// If the first line does not name the columns, the one that must be there among them.
pub(super) fn csv<'f>(
    input: Input,
    needed: Option<&str>,
    row: FromCells<'f>,
) -> anyhow::Result<impl Iterator<Item = ImportRow> + use<'f>> {
    let left = Rc::new(Cell::new(ROW_BYTES_MAX));
    let mut reader = csv::Reader::from_reader(Limited { input, left: Rc::clone(&left) });
    let header = reader.headers().context("the first line must name the columns")?.clone();
    if let Some(needed) = needed.filter(|needed| !header.iter().any(|column| column == *needed)) {
        bail!("the first line must name the columns, one of them `{needed}`, in small letters");
    }
    if header.is_empty() {
        bail!("the first line must name the columns");
    }
    let mut line = 1;
    Ok(reader.into_records().map(move |record| {
        left.set(ROW_BYTES_MAX);
        let position = match &record {
            Ok(record) => record.position(),
            Err(error) => error.position(),
        };
        line = position.map_or(line + 1, csv::Position::line);
        match record {
            Ok(record) => row(line, &mut header.iter().zip(record.iter())),
            Err(error) => refused(line, csv_reason(&error)),
        }
    }))
}

fn csv_reason(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::Io(error) => format!("the file cannot be read further: {error}"),
        csv::ErrorKind::Utf8 { .. } => "the line is not UTF-8".into(),
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("the line has {len} columns, the first line {expected_len}")
        }
        _ => format!("the line is not CSV: {error}"),
    }
}

/// Fails once a record is too long, so that a quote left open does not pull the whole file in.
struct Limited {
    input: Input,
    left: Rc<Cell<u64>>,
}

impl Read for Limited {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.left.get();
        if left == 0 {
            return Err(io::Error::other(format!("{TOO_LONG}; is a quote left open?")));
        }
        let read = self.input.by_ref().take(left).read(buffer)?;
        self.left.set(left - read as u64);
        Ok(read)
    }
}

fn refused(line: u64, reason: String) -> ImportRow {
    ImportRow { line, fields: Err(reason) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use guildhall_app::members::row_from_csv;

    /// Gives what it has, then fails whenever it is asked.
    struct Broken(&'static [u8]);

    impl Read for Broken {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            match self.0.read(buffer)? {
                0 => Err(io::Error::other("broken")),
                read => Ok(read),
            }
        }
    }

    fn input(bytes: impl Into<Vec<u8>>) -> Input {
        Box::new(io::Cursor::new(bytes.into()))
    }

    fn emails(input: Input) -> anyhow::Result<impl Iterator<Item = ImportRow>> {
        csv(input, Some("email"), Box::new(|line, cells| row_from_csv(line, cells)))
    }

    /// Line, and the email or why there is none.
    fn seen(rows: impl Iterator<Item = ImportRow>) -> Vec<(u64, String)> {
        let email = |row: ImportRow| match row.fields {
            Ok(fields) => fields["email"].as_str().unwrap_or_default().to_owned(),
            Err(reason) => reason,
        };
        rows.map(|row| (row.line, email(row))).collect()
    }

    fn is(line: u64, text: &str) -> (u64, String) {
        (line, text.to_owned())
    }

    #[test]
    fn lines_are_counted_as_an_editor_counts_them() {
        let text = "\u{feff}{\"email\":\"a\"}\r\n\n  \n{\"email\":\"b\"}";
        assert_eq!(seen(json(input(text))), [is(1, "a"), is(4, "b")]);
    }

    #[test]
    fn the_rest_of_an_over_long_line_is_no_row() {
        let mut text = vec![b' '; ROW_BYTES_MAX as usize + 1];
        text.extend(b"{\"email\":\"evil\"}\n{\"email\":\"next\"}\n");
        assert_eq!(seen(json(input(text))), [is(1, TOO_LONG), is(2, "next")]);
    }

    #[test]
    fn a_line_as_long_as_may_be_is_a_row() {
        let row = b"{\"email\":\"a\"}\n";
        let mut text = vec![b' '; ROW_BYTES_MAX as usize + 1 - row.len()];
        text.extend(row);
        assert_eq!(seen(json(input(text))), [is(1, "a")]);
    }

    #[test]
    fn a_line_that_is_not_utf_8_is_refused_not_repaired() {
        let text = b"{\"email\":\"J\xfcrgen\"}\n{\"email\":\"b\"}\n";
        assert_eq!(seen(json(input(text))), [is(1, "the line is not UTF-8"), is(2, "b")]);
        let text = b"email\nJ\xfcrgen\nb\n";
        assert_eq!(
            seen(emails(input(text)).expect("a header")),
            [is(2, "the line is not UTF-8"), is(3, "b")]
        );
    }

    #[test]
    fn a_file_that_cannot_be_read_ends_the_rows() {
        let broken = |text| Box::new(io::BufReader::new(Broken(text)));
        let reason = "the file cannot be read further: broken";
        assert_eq!(seen(json(broken(b"{\"email\":\"a\"}\n"))), [is(1, "a"), is(2, reason)]);
        let rows = seen(emails(broken(b"email\na\n")).expect("a header"));
        assert_eq!(rows, [is(2, "a"), is(3, reason)]);
    }

    #[test]
    fn a_quote_left_open_does_not_pull_the_whole_file_in() {
        let mut text = b"email\na\n\"b".to_vec();
        text.resize(3 * ROW_BYTES_MAX as usize, b'x');
        let rows = seen(emails(input(text)).expect("a header"));
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[0], is(2, "a"));
        assert!(rows[1].1.contains(TOO_LONG), "{rows:?}");
    }

    #[test]
    fn csv_without_an_email_column_is_refused() {
        assert!(emails(input("Email,name\na,b\n")).is_err());
        assert!(emails(input("")).is_err());
    }

    #[test]
    fn a_record_with_another_number_of_columns_is_refused() {
        let rows = seen(emails(input("email,x\na,1\nb\n\"c\nc\",1\nd,1\n")).expect("a header"));
        let reason = "the line has 1 columns, the first line 2";
        assert_eq!(rows, [is(2, "a"), is(3, reason), is(4, "c\nc"), is(6, "d")]);
    }
}
