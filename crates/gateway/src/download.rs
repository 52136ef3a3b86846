//! Files that are fetched: streamed piece by piece, from any byte on.
//!
//! A file may be larger than what should be held in memory, so an answer with one is not signed; its
//! size and SHA-256 are in the answer about the export, which is.

use std::ops::Range;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::stream;
use jialing_platform::exports::{Export, Form, Reader};
use jialing_platform::{Code, Problem};

use crate::answer::Failed;

/// Marks an answer whose body is a stream: it is not read into memory to be signed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Streamed;

/// What is fetched.
#[derive(Debug)]
pub(crate) struct File {
    /// A name that any file system takes.
    pub(crate) name: String,
    /// Its media type.
    pub(crate) content_type: &'static str,
    /// Its SHA-256, hexadecimal.
    pub(crate) sha256: String,
    /// Its bytes.
    pub(crate) reader: Reader,
}

/// Answers with the file of `export`, or the part of it that the request's `Range` names.
pub(crate) fn file(request: &HeaderMap, export: &Export, reader: Reader) -> Result<Response, Failed> {
    let (name, content_type) = (name(export), content_type(export.format));
    let sha256 = export.sha256.clone().unwrap_or_default();
    give(request, File { name, content_type, sha256, reader })
}

/// Answers with a file, or the part of it that the request's `Range` names.
pub(crate) fn give(request: &HeaderMap, file: File) -> Result<Response, Failed> {
    let File { name, content_type, sha256, reader } = file;
    let size = reader.size();
    let tag = format!("\"{sha256}\"");
    let text = |name: header::HeaderName| request.get(name).and_then(|value| value.to_str().ok());
    // A part of another version would not fit the part that the caller has.
    let is_same = text(header::IF_RANGE).is_none_or(|held| held == tag);
    let wanted = text(header::RANGE).filter(|_| is_same).map_or(Ok(None), |range| part(range, size))?;
    let mut answer = Response::builder()
        .header(header::CONTENT_TYPE, content_type)
        .header(header::ACCEPT_RANGES, "bytes")
        .header(header::ETAG, &tag)
        .header(header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\""));
    if let Some(digest) = hex::decode(&sha256).ok().filter(|digest| digest.len() == 32) {
        answer = answer.header("repr-digest", format!("sha-256=:{}:", STANDARD.encode(digest)));
    }
    let range = match wanted {
        Some(range) => {
            let shown = format!("bytes {}-{}/{size}", range.start, range.end - 1);
            answer = answer.status(StatusCode::PARTIAL_CONTENT).header(header::CONTENT_RANGE, shown);
            range
        }
        None => 0..size,
    };
    answer = answer.header(header::CONTENT_LENGTH, HeaderValue::from(range.end - range.start));
    let body = Body::from_stream(pieces(reader.between(range.start, range.end)));
    let mut response = answer.body(body).map_err(|fault| Failed(Problem::internal(fault)))?;
    response.extensions_mut().insert(Streamed);
    Ok(response)
}

/// The file's pieces; each is read and opened away from the threads that serve.
fn pieces(reader: Reader) -> impl stream::Stream<Item = std::io::Result<Bytes>> {
    stream::try_unfold(reader, |mut reader| async move {
        let read = tokio::task::spawn_blocking(move || reader.piece().map(|piece| (piece, reader)));
        let (piece, reader) = read.await.map_err(std::io::Error::other)??;
        Ok(piece.map(|piece| (Bytes::from(piece), reader)))
    })
}

const fn content_type(format: Form) -> &'static str {
    match format {
        Form::Csv => "text/csv; charset=utf-8; header=present",
        Form::CsvGz => "application/gzip",
        Form::Parquet => "application/vnd.apache.parquet",
    }
}

/// A name that any file system takes.
fn name(export: &Export) -> String {
    let day = |text: &str| text.get(..10).unwrap_or_default().to_owned();
    format!("jialing-{}-{}-{}.{}", export.id, day(&export.from), day(&export.to), export.format)
}

/// The bytes that a `Range` names in a file of `size` bytes; `None` for the whole file, also where the
/// header asks for several parts or for something else than bytes.
fn part(header: &str, size: u64) -> Result<Option<Range<u64>>, Failed> {
    let number = |text: &str| {
        (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| text.parse::<u64>().ok())?
    };
    let Some((from, to)) = header.trim().strip_prefix("bytes=").and_then(|range| range.split_once('-'))
    else {
        return Ok(None);
    };
    let range = match (number(from), number(to)) {
        (Some(from), Some(to)) if from <= to => from..to.saturating_add(1).min(size),
        (Some(from), None) if to.is_empty() => from..size,
        (None, Some(last)) if from.is_empty() => size.saturating_sub(last)..size,
        _ => return Ok(None),
    };
    if range.start < range.end {
        return Ok(Some(range));
    }
    let problem = Problem::new(Code::InvalidRequest).field("Range");
    Err(Failed(problem.detail(format!("The file has {size} bytes; the part asked for is beyond them."))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_names_a_part_of_the_file_or_all_of_it() {
        let check = |header: &str, size: u64, expect: Result<Option<Range<u64>>, ()>| {
            assert_eq!(part(header, size).map_err(drop), expect, "{header} of {size}");
        };
        check("bytes=0-0", 10, Ok(Some(0..1)));
        check("bytes=0-9", 10, Ok(Some(0..10)));
        check("bytes=3-", 10, Ok(Some(3..10)));
        check("bytes=-3", 10, Ok(Some(7..10)));
        check("bytes=-30", 10, Ok(Some(0..10)));
        check("bytes=3-900", 10, Ok(Some(3..10)));
        check("bytes=3-18446744073709551615", 10, Ok(Some(3..10)));
        check("bytes=10-", 10, Err(()));
        check("bytes=-0", 10, Err(()));
        check("bytes=0-", 0, Err(()));
        check("bytes=5-3", 10, Ok(None));
        check("bytes=0-1,4-5", 10, Ok(None));
        check("bytes=+1-2", 10, Ok(None));
        check("bytes=-", 10, Ok(None));
        check("lines=0-1", 10, Ok(None));
    }
}
