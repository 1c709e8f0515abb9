//! The load: some connections, each of which asks again as soon as it is answered.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use actix_web::web::Bytes;
use anyhow::bail;
use futures_util::TryStreamExt;
use futures_util::stream::FuturesUnordered;

use super::cases::Case;
use super::http::{Answer, Client};

/// Before it counts, so that connections are open and statements prepared.
const WARM_UP: Duration = Duration::from_millis(500);

/// What came out: answers a second, and the time to the whole answer in milliseconds.
pub struct Figures {
    pub rate: f64,
    pub p50: f64,
    pub p99: f64,
}

impl Figures {
    /// From every single time, in milliseconds.
    pub fn of(mut times: Vec<f64>, whole: Duration) -> anyhow::Result<Figures> {
        if times.is_empty() {
            bail!("nothing was answered in {whole:?}");
        }
        times.sort_unstable_by(f64::total_cmp);
        let at = |share: usize| times[times.len() * share / 100];
        Ok(Figures { rate: times.len() as f64 / whole.as_secs_f64(), p50: at(50), p99: at(99) })
    }
}

/// What one connection asks, and what the answer must be.
pub struct Ask {
    pub request: Box<dyn FnMut() -> Bytes>,
    pub status: u16,
    pub text: String,
}

/// Lets `connections` ask for `time`.
pub async fn measure(address: SocketAddr, connections: usize, time: Duration, case: &Case) -> anyhow::Result<Figures> {
    let begin = Instant::now() + WARM_UP;
    let asking: FuturesUnordered<_> =
        (0..connections).map(|number| ask_on(address, (case.ask)(number), begin, begin + time)).collect();
    let times: Vec<Vec<f64>> = asking.try_collect().await?;
    // Longer than asked for, where an answer takes long.
    Figures::of(times.concat(), begin.elapsed())
}

async fn ask_on(address: SocketAddr, mut ask: Ask, begin: Instant, end: Instant) -> anyhow::Result<Vec<f64>> {
    let mut client = Client::connect(address).await?;
    let mut times = Vec::new();
    let mut seen_at = 0;
    loop {
        let request = (ask.request)();
        let asked = Instant::now();
        let answer = client.ask(&request).await?;
        let answered = Instant::now();
        seen_at = check(&answer, &ask, seen_at)?;
        if asked >= begin {
            times.push((answered - asked).as_secs_f64() * 1000.0);
        }
        if answered >= end && !times.is_empty() {
            return Ok(times);
        }
    }
}

/// Gives where the expected text stands: the next answer most likely has it there, too.
fn check(answer: &Answer<'_>, ask: &Ask, seen_at: usize) -> anyhow::Result<usize> {
    let text = ask.text.as_bytes();
    let place = if answer.bytes[seen_at.min(answer.bytes.len())..].starts_with(text) {
        Some(seen_at)
    } else {
        answer.bytes.windows(text.len()).position(|bytes| bytes == text)
    };
    match place {
        Some(place) if answer.status == ask.status => Ok(place),
        _ => bail!("answered {}, or without “{}”:\n{}", answer.status, ask.text, String::from_utf8_lossy(answer.bytes)),
    }
}
