//! A body read whole: decompressed as it comes, and never larger than its limit.

use std::io::{self, Write};

use flate2::write::MultiGzDecoder;

use super::classify;
use super::exceeded;
use super::failure::Problem;

/// A body that is being read.
pub(super) struct Whole {
    form: Form,
    is_begun: bool,
}

enum Form {
    Plain(Capped),
    Gzip(Box<MultiGzDecoder<Capped>>),
}

/// Bytes up to a limit.
struct Capped {
    bytes: Vec<u8>,
    limit: usize,
    is_over: bool,
}

/// Why a body cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Larger than the limit, in bytes.
    TooLarge(usize),
    /// Not compressed as its headers say.
    Unreadable,
}

impl Whole {
    pub(super) fn new(is_gzip: bool, limit: usize) -> Self {
        let capped = Capped { bytes: Vec::new(), limit, is_over: false };
        let form = if is_gzip { Form::Gzip(Box::new(MultiGzDecoder::new(capped))) } else { Form::Plain(capped) };
        Self { form, is_begun: false }
    }

    pub(super) fn add(&mut self, piece: &[u8]) -> Result<(), Fault> {
        self.is_begun = true;
        match &mut self.form {
            Form::Plain(capped) => capped.write_all(piece),
            Form::Gzip(decoder) => decoder.write_all(piece),
        }
        .map_err(|_| self.fault())
    }

    pub(super) fn finish(mut self) -> Result<Vec<u8>, Fault> {
        // An answer to HEAD, or one that says that nothing has changed, names its compression too.
        if let Form::Gzip(decoder) = &mut self.form
            && self.is_begun
            && decoder.try_finish().is_err()
        {
            return Err(self.fault());
        }
        let capped = match &mut self.form {
            Form::Plain(capped) => capped,
            Form::Gzip(decoder) => decoder.get_mut(),
        };
        Ok(std::mem::take(&mut capped.bytes))
    }

    fn fault(&self) -> Fault {
        let capped = match &self.form {
            Form::Plain(capped) => capped,
            Form::Gzip(decoder) => decoder.get_ref(),
        };
        if capped.is_over { Fault::TooLarge(capped.limit) } else { Fault::Unreadable }
    }
}

impl Fault {
    pub(super) fn problem(self, server: &str) -> Problem {
        match self {
            Self::TooLarge(limit) => exceeded::too_large("contents", server, limit),
            Self::Unreadable => classify::unreadable(server),
        }
    }
}

impl Write for Capped {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + piece.len() > self.limit {
            self.is_over = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(piece);
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes)?;
        encoder.finish()
    }

    fn read(is_gzip: bool, limit: usize, bytes: &[u8]) -> Result<Vec<u8>, Fault> {
        let mut whole = Whole::new(is_gzip, limit);
        for piece in bytes.chunks(7) {
            whole.add(piece)?;
        }
        whole.finish()
    }

    #[test]
    fn a_body_comes_out_whole_or_not_at_all() -> io::Result<()> {
        let text = b"grow ".repeat(1_000);
        let packed = gzip(&text)?;
        let two = [packed.clone(), packed.clone()].concat();
        let mut damaged = packed.clone();
        let end = damaged.len() - 6;
        damaged[end] ^= 1;
        for (is_gzip, bytes, expected) in [
            (false, &text, Ok(text.clone())),
            (true, &packed, Ok(text.clone())),
            (true, &two, Ok(text.repeat(2))),
            (true, &Vec::new(), Ok(Vec::new())),
            (true, &text, Err(Fault::Unreadable)),
            (true, &damaged, Err(Fault::Unreadable)),
            (true, &packed[..packed.len() - 9].to_vec(), Err(Fault::Unreadable)),
        ] {
            assert_eq!(read(is_gzip, 10_000, bytes), expected);
        }
        assert_eq!(read(false, 4_999, &text), Err(Fault::TooLarge(4_999)));
        assert_eq!(read(true, 4_999, &packed), Err(Fault::TooLarge(4_999)));
        assert!(read(true, 5_000, &packed).is_ok());
        Ok(())
    }
}
