//! What single steps of a call cost in the program itself: in one thread, without a network.

use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use chrono::{DateTime, Utc};
use connectory::authorization::{AwsSigner, RequestSigner, SignerMemory, outcome_of_response};
use connectory::outbound::http::{HeaderMap, Method, StatusCode};
use connectory::outbound::{Body, HttpUrl};
use connectory::vault::Secret;

/// How often each step is done.
const TIMES: u32 = 20_000;

/// Measures and prints them.
pub fn run() -> anyhow::Result<()> {
    println!("| step of a call | time |\n|---|---:|");
    let headers = HeaderMap::new();
    row("what a response says of the connector", || {
        black_box(outcome_of_response(black_box(StatusCode::OK), black_box(&headers), false));
        Ok(())
    })?;
    let key = Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".into());
    let signer = RequestSigner::Aws(AwsSigner::new("AKIDEXAMPLE", key, "eu-central-1", "execute-api"));
    let url = HttpUrl::parse("https://api.example.org/v1/bookings?page=2").map_err(|problem| anyhow!("{problem}"))?;
    let (memory, now) = (SignerMemory::default(), DateTime::<Utc>::UNIX_EPOCH);
    for (name, body) in [("AWS Signature, no body", 0), ("AWS Signature, 64 KiB of body", 64 * 1024)] {
        row(name, || {
            let body = Body::from(vec![b'x'; body]);
            let mut request = url.request(Method::POST, body).context("a request")?;
            signer.sign(&url, &mut request, &memory, now).context("a signature")?;
            black_box(request);
            Ok(())
        })?;
    }
    println!();
    Ok(())
}

fn row(name: &str, mut step: impl FnMut() -> anyhow::Result<()>) -> anyhow::Result<()> {
    let began = Instant::now();
    for _ in 0..TIMES {
        step()?;
    }
    let each: Duration = began.elapsed() / TIMES;
    println!("| {name} | {:.3} ms |", each.as_secs_f64() * 1_000.0);
    Ok(())
}
