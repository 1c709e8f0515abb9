//! What is kept, for how long, and what is not.

use std::cell::Cell;

use chrono::TimeDelta;
use tokio::sync::oneshot;

use super::*;

/// Why nothing could be read.
#[derive(Debug, PartialEq)]
struct Gone;

impl From<Unavailable> for Gone {
    fn from(_: Unavailable) -> Gone {
        Gone
    }
}

struct Read {
    memory: Cache<String, u32>,
    clock: Clock,
    reads: Cell<u32>,
}

impl Read {
    fn new() -> Read {
        let clock = Clock::system();
        Read { memory: Cache::new(&clock, 3), clock, reads: Cell::new(0) }
    }

    /// The number of the reading that brought the value.
    async fn get(&self, key: &str) -> u32 {
        let read = async || {
            self.reads.set(self.reads.get() + 1);
            Ok::<_, Gone>(Some(self.reads.get()))
        };
        match self.memory.get(key, read).await {
            Ok(value) => value.unwrap(),
            Err(Gone) => panic!("it can be read"),
        }
    }

    async fn get_while_reading_fails(&self, key: &str) -> Result<Option<u32>, Gone> {
        self.memory.get(key, async || Err(Gone)).await
    }

    fn wait(&self, seconds: i64) {
        self.clock.advance(TimeDelta::seconds(seconds));
    }
}

#[tokio::test]
async fn a_value_is_read_again_when_it_is_no_longer_fresh() {
    let it = Read::new();
    assert_eq!((it.get("a").await, it.get("a").await), (1, 1));
    it.wait(2);
    assert_eq!(it.get("a").await, 1);
    it.wait(1);
    assert_eq!((it.get("a").await, it.get("a").await), (2, 2));
}

#[tokio::test]
async fn a_change_drops_the_value_at_once() {
    let it = Read::new();
    assert_eq!((it.get("a").await, it.get("b").await), (1, 2));
    it.memory.forget("a");
    assert_eq!((it.get("a").await, it.get("b").await), (3, 2));
    it.memory.forget_where(|value| *value == 2);
    assert_eq!((it.get("a").await, it.get("b").await), (3, 4));
    it.memory.clear();
    assert_eq!((it.get("a").await, it.get("b").await), (5, 6));
}

#[tokio::test]
async fn while_reading_fails_the_old_value_serves_until_it_is_too_old() {
    let it = Read::new();
    assert!(it.get_while_reading_fails("a").await.is_err());
    assert_eq!(it.get("a").await, 1);
    it.wait(4);
    assert_eq!(it.get_while_reading_fails("a").await, Ok(Some(1)));
    it.wait(1);
    assert!(it.get_while_reading_fails("a").await.is_err());
}

#[tokio::test]
async fn one_reads_again_while_others_get_the_old_value_and_none_a_too_old_one() {
    let it = Read::new();
    assert_eq!(it.get("a").await, 1);
    it.wait(3);
    let (go, told) = oneshot::channel::<()>();
    let reader = it.memory.get("a", async || told.await.map(|()| Some(99)).map_err(|_| Gone));
    let others = async {
        assert_eq!(it.get("a").await, 1, "the old one serves");
        it.wait(2);
        let late = it.get("a");
        go.send(()).unwrap();
        late.await
    };
    let (read, late) = tokio::join!(reader, others);
    assert_eq!(read, Ok(Some(99)));
    // Its reading began two seconds ago, so it is still fresh.
    assert_eq!((late, it.reads.get()), (99, 1));
}

#[tokio::test]
async fn what_was_being_read_when_a_change_came_is_not_kept() {
    let it = Read::new();
    let (go, told) = oneshot::channel::<()>();
    let reader = it.memory.get("a", async || told.await.map(|()| Some(99)).map_err(|_| Gone));
    let change = async {
        it.memory.forget_where(|_| false);
        go.send(()).unwrap();
    };
    let (read, ()) = tokio::join!(reader, change);
    assert_eq!(read, Ok(Some(99)), "asked for before the change");
    assert_eq!(it.get("a").await, 1, "asked for after it");
}

#[tokio::test]
async fn a_reader_that_gives_up_hands_its_turn_on() {
    let it = Read::new();
    {
        let never = it.memory.get("a", async || std::future::pending::<Result<Option<u32>, Gone>>().await);
        let mut never = std::pin::pin!(never);
        assert!(futures_util::poll!(&mut never).is_pending());
    }
    assert_eq!(it.get("a").await, 1);
}

#[tokio::test]
async fn only_so_many_are_kept_and_nothing_of_what_does_not_exist() {
    let it = Read::new();
    for key in ["a", "b", "c", "d", "e"] {
        it.get(key).await;
        assert!(it.memory.lock().len() <= 3);
    }
    assert_eq!(it.get("e").await, 5);
    it.memory.clear();
    for key in ["u", "v", "w", "x"] {
        let nothing = it.memory.get(key, async || Ok::<_, Gone>(None)).await;
        assert_eq!(nothing, Ok(None));
    }
    assert!(it.memory.lock().values().all(|slot| slot.value.is_none()));
    assert!(it.memory.lock().len() <= 3);
}

#[tokio::test]
async fn who_waits_for_a_reading_that_fails_does_not_try_after_it() {
    let it = Read::new();
    let (fail, told) = oneshot::channel::<()>();
    let reader = it.memory.get("a", async || {
        told.await.ok();
        Err::<Option<u32>, _>(Gone)
    });
    let waiters = [(); 3].map(|()| it.memory.get("a", async || panic!("it was not asked")));
    let failing = async { fail.send(()) };
    let (first, others, _) = tokio::join!(reader, futures_util::future::join_all(waiters), failing);
    assert_eq!(first, Err(Gone));
    assert_eq!(others, [const { Err::<Option<u32>, Gone>(Gone) }; 3]);
    assert_eq!(it.get("a").await, 1, "who comes later asks again");
}
