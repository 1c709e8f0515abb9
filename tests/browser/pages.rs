//! Every page in every state: accessible in light, in dark and in a narrow window, valid HTML, and no wider than 320
//! pixels.
//!
//! Leaves a picture of each in `target/screenshots` and its HTML in `target/pages`, for looking at.

use std::fs;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::FutureExt;
use serde_json::json;

use super::samples::{self, Sample, World};
use super::tools::{Axe, check_html};
use super::window::{NARROW, USUAL, Window};

/// Set to a part of their names, it leaves only these samples: for looking at a few while working on them.
const ONLY: &str = "CONNECTORY_TEST_PAGES";

#[tokio::test]
async fn every_page_in_every_state_is_accessible_valid_and_narrow() {
    let only = std::env::var(ONLY).unwrap_or_default();
    let run = Run {
        world: World::build().await,
        axe: Axe::load(),
        samples: samples::all().filter(|sample| sample.name.contains(&only)).collect(),
        next: AtomicUsize::new(0),
        found: Mutex::default(),
        pictures: fresh_folder("screenshots"),
        pages: fresh_folder("pages"),
    };
    futures_util::join!(run.work(), run.work());
    let mut faults = run.found.into_inner().expect("the faults");
    faults.extend(check_html(&run.pages));
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

struct Run {
    world: World,
    axe: Axe,
    samples: Vec<&'static Sample>,
    /// The next sample that nobody has taken yet.
    next: AtomicUsize,
    found: Mutex<Vec<String>>,
    pictures: PathBuf,
    pages: PathBuf,
}

impl Run {
    /// Takes sample after sample, in a window of its own.
    async fn work(&self) {
        let mut window = self.world.window().await;
        while let Some(sample) = self.samples.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            // A sample that cannot be reached has said why; the others are looked at all the same.
            if AssertUnwindSafe(self.look(&mut window, sample)).catch_unwind().await.is_err() {
                self.fault(sample, "cannot be reached: the reason stands above");
            }
        }
    }

    async fn look(&self, window: &mut Window, sample: &Sample) {
        window.dark(false).await;
        window.resize(USUAL).await;
        self.world.reach(window, sample).await;
        let text = window.text("main").await;
        if !text.contains(sample.shows) {
            self.fault(sample, &format!("does not show “{}”: {text}", sample.shows));
        }
        let file = self.pages.join(format!("{}.html", sample.name));
        fs::write(&file, window.html().await).expect("a page can be stored");
        self.faults(sample, "", self.axe.check(window).await);
        window.picture(&self.picture(sample, "light")).await;
        window.dark(true).await;
        self.faults(sample, "in dark: ", self.axe.check_colours(window).await);
        window.picture(&self.picture(sample, "dark")).await;
        window.dark(false).await;
        window.resize(NARROW).await;
        self.faults(sample, "in a narrow window: ", sideways(window).await);
        self.faults(sample, "in a narrow window: ", self.axe.check(window).await);
        window.picture(&self.picture(sample, "320")).await;
    }

    fn picture(&self, sample: &Sample, what: &str) -> PathBuf {
        self.pictures.join(format!("{}-{what}.png", sample.name))
    }

    fn faults(&self, sample: &Sample, when: &str, found: Vec<String>) {
        for fault in found {
            self.fault(sample, &format!("{when}{fault}"));
        }
    }

    fn fault(&self, sample: &Sample, words: &str) {
        self.found.lock().expect("the faults").push(format!("{}: {words}", sample.name));
    }
}

/// What would have to be scrolled sideways to be read: the page, or a part that scrolls by itself.
async fn sideways(window: &Window) -> Vec<String> {
    let script = r#"
const parts = [document.documentElement, ...document.querySelectorAll('.scroll')];
const wide = parts.filter(part => part.scrollWidth > Math.min(part.clientWidth, arguments[0]));
const out = element => element.getBoundingClientRect().right > innerWidth && !element.closest('.vh');
return wide.map(part => `${part.cloneNode().outerHTML} is ${part.scrollWidth} pixels wide, for `
    + [...part.querySelectorAll('*')].filter(out).slice(0, 5).map(element => element.cloneNode().outerHTML).join(' '));
"#;
    serde_json::from_value(window.script(script, json!([NARROW.0])).await).expect("a list of texts")
}

/// An empty folder of this name beside the build's own.
fn fresh_folder(name: &str) -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the target folder");
    let folder = target.join(name);
    // It need not be there.
    _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    folder
}

#[tokio::test]
async fn twelve_connectors_stand_above_the_fold_and_filters_are_folded_on_a_phone_alone() {
    let app = crate::support::TestApp::start().await;
    for number in 10..40 {
        let name = format!("Signatures and certificates of the electronic identity service {number}");
        app.connector_with(&name, |new| new.details.description = "Every word of it wraps. ".repeat(9).trim().into())
            .await;
    }
    let window = Window::open(&app).await;
    window.be(&app.super_admin().await).await;
    window.resize((1280, 800)).await;
    window.go("/connectors").await;
    let rows = "return [...document.querySelectorAll('tbody tr')].filter(row => row.getBoundingClientRect().bottom <= 800).length";
    let rows = window.script(rows, json!([])).await;
    assert!(rows.as_u64() >= Some(12), "{rows} rows");
    let shown = "return document.getElementById('status').checkVisibility({ contentVisibilityAuto: true })";
    assert_eq!(window.script(shown, json!([])).await, true);
    window.resize(NARROW).await;
    assert_eq!(window.script(shown, json!([])).await, false);
}
