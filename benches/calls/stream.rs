//! A gibibyte through the program, and what it does to its memory.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use super::program::Program;
use super::site::Site;

const GIBIBYTE: u64 = 1 << 30;

pub struct Streamed {
    pub time: Duration,
    /// Resident memory of the program, in bytes.
    pub before: u64,
    pub highest: u64,
    pub after: u64,
}

/// Reads a gibibyte through the proxy.
pub fn gigabyte(site: &Site, program: &Program) -> anyhow::Result<Streamed> {
    let before = program.memory().program;
    let mut stream = TcpStream::connect(site.address())?;
    let headers = site.headers().join("\r\n");
    write!(
        stream,
        "GET /api/v1/connectors/bench/proxy/big HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n{headers}\r\n\r\n"
    )?;
    let begun = Instant::now();
    let (mut buffer, mut read, mut highest) = (vec![0; 256 * 1024], 0_u64, before);
    let mut looked = 0;
    loop {
        let piece = stream.read(&mut buffer)?;
        if piece == 0 {
            break;
        }
        read += piece as u64;
        if read >= looked {
            looked += GIBIBYTE / 64;
            highest = highest.max(program.memory().program);
        }
    }
    let time = begun.elapsed();
    ensure!(read > GIBIBYTE, "only {read} bytes came");
    let head = read.checked_sub(GIBIBYTE).context("no head")?;
    ensure!(head < 4096, "{head} bytes too many");
    Ok(Streamed { time, before, highest, after: program.memory().program })
}
