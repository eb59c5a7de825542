//! Fetches a metrics page over plain HTTP/1.0, from the observer's thread.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::fleet::prometheus::Series;
use crate::shell::route::Route;
use crate::twilio::url::Url;

/// How long connecting, writing and each read may take.
const LIMIT: Duration = Duration::from_secs(2);
/// The longest page that is read.
const PAGE_MAX_BYTES: u64 = 8 * 1024 * 1024;

/// The series at `url`.
///
/// # Errors
/// One line that says why there are none.
pub fn scrape(url: &Url) -> Result<Series, String> {
    let failed = |e: std::io::Error| format!("--metrics {url}: {e}");
    let place = Route::default().place(url)?;
    let mut stream = TcpStream::connect((place.host.as_str(), place.port)).map_err(failed)?;
    stream.set_read_timeout(Some(LIMIT)).map_err(failed)?;
    stream.set_write_timeout(Some(LIMIT)).map_err(failed)?;
    let request = format!("GET {} HTTP/1.0\r\nHost: {}\r\nAccept: text/plain\r\n\r\n", url.target(), url.authority());
    stream.write_all(request.as_bytes()).map_err(failed)?;
    let mut bytes = Vec::new();
    stream.take(PAGE_MAX_BYTES).read_to_end(&mut bytes).map_err(failed)?;
    let text = String::from_utf8_lossy(&bytes);
    match text.split_once("\r\n\r\n") {
        Some((head, page)) if head.split(' ').nth(1) == Some("200") => Ok(Series::parse(page)),
        _ => Err(format!("--metrics {url}: answered {:?}", text.lines().next().unwrap_or_default())),
    }
}
