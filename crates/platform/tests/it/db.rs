//! The database: jobs that commit together, refuse alone, and are run again after a conflict.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use jialing_platform::db::{self, Backend, MAX_WAITING_JOBS};
use jialing_platform::{Code, Db, Problem, Result, Tx};
use tokio::sync::Notify;

use crate::world::{Store, on_each_store};

/// A table that only these tests use.
async fn with_counters(db: &Db) {
    db.write(async |tx: &mut Tx| {
        db::execute_trusted(tx, "CREATE TABLE counters (name TEXT PRIMARY KEY, n BIGINT NOT NULL)".into())
            .await?;
        Ok(())
    })
    .await
    .expect("a table can be made");
}

async fn insert(tx: &mut Tx, name: &str, n: i64) -> Result<()> {
    sqlx::query("INSERT INTO counters (name, n) VALUES ($1, $2)").bind(name).bind(n).execute(tx).await?;
    Ok(())
}

async fn names(db: &Db) -> Vec<String> {
    sqlx::query_scalar("SELECT name FROM counters ORDER BY name")
        .fetch_all(db.read())
        .await
        .expect("readable")
}

async fn names_in(tx: &mut Tx) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar("SELECT name FROM counters WHERE name = 'bad'").fetch_all(tx).await?)
}

#[test]
fn a_refused_job_leaves_nothing_while_its_neighbours_commit() {
    on_each_store(async |store: &Store| {
        let db = &store.db;
        with_counters(db).await;
        let jobs = (0..60).map(|n: i64| {
            db.write(async move |tx: &mut Tx| {
                insert(tx, &format!("row {n:02}"), n).await?;
                if n % 3 == 0 { Err(Problem::new(Code::Forbidden)) } else { Ok(n) }
            })
        });
        for (n, answer) in futures_util::future::join_all(jobs).await.into_iter().enumerate() {
            match n % 3 {
                0 => assert_eq!(answer.expect_err("refused").code, Code::Forbidden),
                _ => assert_eq!(answer.expect("done"), n as i64),
            }
        }
        let expected: Vec<String> = (0..60).filter(|n| n % 3 != 0).map(|n| format!("row {n:02}")).collect();
        assert_eq!(names(db).await, expected);
    });
}

#[test]
fn a_job_that_fails_in_sql_does_not_spoil_its_neighbours() {
    on_each_store(async |store: &Store| {
        let db = &store.db;
        with_counters(db).await;
        let jobs =
            ["a", "b", "a", "c"].map(|name| db.write(async move |tx: &mut Tx| insert(tx, name, 1).await));
        let answers = futures_util::future::join_all(jobs).await;
        assert_eq!(answers.iter().filter(|answer| answer.is_err()).count(), 1, "one of the two `a` is taken");
        assert_eq!(names(db).await, ["a", "b", "c"]);
    });
}

#[test]
fn a_panic_in_a_job_is_its_own_problem() {
    on_each_store(async |store: &Store| {
        let db = &store.db;
        with_counters(db).await;
        let good = db.write(async |tx: &mut Tx| insert(tx, "good", 1).await);
        let bad = db.write(async |tx: &mut Tx| {
            insert(tx, "bad", 1).await?;
            assert_eq!(names_in(tx).await?, ["nobody"], "this panic is the test");
            Ok(())
        });
        let (good, bad) = futures_util::future::join(good, bad).await;
        assert!(good.is_ok());
        assert_eq!(bad.expect_err("it panicked").code, Code::Internal);
        db.write(async |tx: &mut Tx| insert(tx, "later", 1).await).await.expect("the writer lives on");
        assert_eq!(names(db).await, ["good", "later"]);
    });
}

#[test]
fn concurrent_read_then_write_jobs_lose_no_update() {
    on_each_store(async |store: &Store| {
        let db = &store.db;
        with_counters(db).await;
        db.write(async |tx: &mut Tx| insert(tx, "sum", 0).await).await.expect("inserted");
        let runs = Arc::new(AtomicU32::new(0));
        let jobs = (0..40).map(|_| {
            let runs = runs.clone();
            db.write(async move |tx: &mut Tx| {
                runs.fetch_add(1, Ordering::Relaxed);
                let n: i64 = sqlx::query_scalar("SELECT n FROM counters WHERE name = 'sum'")
                    .fetch_one(&mut *tx)
                    .await?;
                sqlx::query("UPDATE counters SET n = $1 WHERE name = 'sum'")
                    .bind(n + 1)
                    .execute(&mut *tx)
                    .await?;
                Ok(())
            })
        });
        let answers = futures_util::future::join_all(jobs).await;
        let done = answers.iter().filter(|answer| answer.is_ok()).count();
        for answer in &answers {
            // Under such contention a job may give up, but then it says so and did nothing.
            assert!(
                answer.as_ref().map_or_else(|problem| problem.code == Code::Overloaded, |()| true),
                "{answer:?}"
            );
        }
        let n: i64 = sqlx::query_scalar("SELECT n FROM counters WHERE name = 'sum'")
            .fetch_one(db.read())
            .await
            .expect("readable");
        assert_eq!(n, done as i64);
        assert!(runs.load(Ordering::Relaxed) >= 40);
    });
}

#[test]
fn a_conflict_on_postgresql_runs_the_job_again() {
    on_each_store(async |store: &Store| {
        let db = &store.db;
        if db.backend() != Backend::Postgres {
            return;
        }
        with_counters(db).await;
        db.write(async |tx: &mut Tx| insert(tx, "sum", 0).await).await.expect("inserted");
        // The first run of the slow job reads, then waits until the quick one has committed.
        let (read, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let runs = Arc::new(AtomicU32::new(0));
        let slow = db.write({
            let (read, go_on, runs) = (read.clone(), go_on.clone(), runs.clone());
            async move |tx: &mut Tx| {
                let n: i64 = sqlx::query_scalar("SELECT n FROM counters WHERE name = 'sum'")
                    .fetch_one(&mut *tx)
                    .await?;
                if runs.fetch_add(1, Ordering::Relaxed) == 0 {
                    read.notify_one();
                    go_on.notified().await;
                }
                sqlx::query("UPDATE counters SET n = $1 WHERE name = 'sum'")
                    .bind(n + 1)
                    .execute(&mut *tx)
                    .await?;
                Ok(n + 1)
            }
        });
        let quick = async {
            read.notified().await;
            let done = db
                .write(async |tx: &mut Tx| {
                    sqlx::query("UPDATE counters SET n = n + 10 WHERE name = 'sum'")
                        .execute(&mut *tx)
                        .await?;
                    Ok(())
                })
                .await;
            go_on.notify_one();
            done
        };
        let (slow, quick) = futures_util::future::join(slow, quick).await;
        quick.expect("nothing was in its way");
        assert_eq!(slow.expect("done at the second try"), 11);
        assert_eq!(runs.load(Ordering::Relaxed), 2);
    });
}

#[test]
fn more_waiting_jobs_than_allowed_are_refused_as_overload() {
    on_each_store(async |store: &Store| {
        let db = &store.db.clone().with_patience(Duration::from_secs(3600));
        with_counters(db).await;
        // Every writer is kept busy until `go_on`; what comes then waits, and what is too much is refused.
        let writers = if db.backend() == Backend::Sqlite { 1 } else { db::POSTGRES_WRITERS };
        let (started, go_on) =
            (Arc::new(tokio::sync::Semaphore::new(0)), Arc::new(tokio::sync::Semaphore::new(0)));
        let busy = futures_util::future::join_all((0..writers).map(|_| {
            let (started, go_on) = (started.clone(), go_on.clone());
            db.write(async move |_: &mut Tx| {
                started.add_permits(1);
                go_on.acquire().await.expect("open").forget();
                Ok(())
            })
        }));
        let flood = async {
            started.acquire_many(writers as u32).await.expect("open").forget();
            let mut waiting = Vec::new();
            for n in 0..MAX_WAITING_JOBS + 3 {
                let mut job = Box::pin(db.write(async |_: &mut Tx| Ok(())));
                // Polled once, the job stands in the queue or was refused.
                match std::future::poll_fn(|cx| std::task::Poll::Ready(job.as_mut().poll(cx))).await {
                    std::task::Poll::Ready(answer) => {
                        assert!(n >= MAX_WAITING_JOBS, "job {n} was refused");
                        assert_eq!(answer.expect_err("refused").code, Code::Overloaded);
                    }
                    std::task::Poll::Pending => waiting.push(job),
                }
            }
            assert_eq!(waiting.len(), MAX_WAITING_JOBS);
            go_on.add_permits(writers);
            futures_util::future::join_all(waiting).await
        };
        let (busy, waited) = futures_util::future::join(busy, flood).await;
        assert!(busy.into_iter().chain(waited).all(|answer| answer.is_ok()));
    });
}

#[test]
fn a_job_that_waited_too_long_is_refused_and_not_run_but_a_followers_is() {
    on_each_store(async |store: &Store| {
        with_counters(&store.db).await;
        let db = store.db.clone().with_patience(Duration::ZERO);
        let late = db.write(async |tx: &mut Tx| insert(tx, "late", 1).await).await;
        assert_eq!(late.expect_err("refused").code, Code::Overloaded);
        db.write_first(async |tx: &mut Tx| insert(tx, "follower", 2).await).await.expect("run");
        assert_eq!(names(&db).await, ["follower"]);
    });
}

#[test]
fn a_reader_cannot_write() {
    on_each_store(async |store: &Store| {
        let db = &store.db;
        with_counters(db).await;
        let written = sqlx::query("INSERT INTO counters (name, n) VALUES ('x', 1)").execute(db.read()).await;
        assert!(written.is_err());
        assert!(names(db).await.is_empty());
    });
}

#[test]
fn opening_again_finds_what_was_written() {
    on_each_store(async |store: &Store| {
        with_counters(&store.db).await;
        store.db.write(async |tx: &mut Tx| insert(tx, "kept", 1).await).await.expect("inserted");
        let again = store.open_again().await;
        assert_eq!(names(&again).await, ["kept"]);
        again.close().await;
    });
}
