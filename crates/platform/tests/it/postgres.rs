//! A PostgreSQL server for tests, and a database in it for each world.
//!
//! The server is the one that `JIALING_TEST_POSTGRES` names (`scripts/with-postgres` starts one and
//! `make test` uses it), or else a private one that this process starts on first use. The private
//! one watches our end of a pipe, so it goes away with this process, however that ends.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

/// A fresh, empty database.
pub struct Database {
    server: String,
    name: String,
    /// Its address.
    pub url: String,
}

impl Database {
    /// Makes one.
    pub async fn create() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let server = server().to_owned();
        let name = format!("world_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let (base, _) = server.rsplit_once('/').expect("a PostgreSQL address ends with a database's name");
        let url = format!("{base}/{name}");
        run(&server, format!("CREATE DATABASE {name}")).await;
        Self { server, name, url }
    }

    /// Removes it, whoever is still connected.
    pub async fn drop(self) {
        run(&self.server, format!("DROP DATABASE {} WITH (FORCE)", self.name)).await;
    }
}

async fn run(server: &str, sql: String) {
    let mut connection = PgConnection::connect(server).await.expect("the test server answers");
    connection.execute(AssertSqlSafe(sql)).await.expect("the test server obeys");
    connection.close().await.expect("the test server says goodbye");
}

/// The server's address.
fn server() -> &'static str {
    static SERVER: OnceLock<(String, Option<Child>)> = OnceLock::new();
    let (address, _) = SERVER.get_or_init(|| match std::env::var("JIALING_TEST_POSTGRES") {
        Ok(address) if !address.is_empty() => (address, None),
        _ => {
            let (address, child) = start();
            (address, Some(child))
        }
    });
    address
}

/// Starts a private server, which ends when our end of its standard input closes.
fn start() -> (String, Child) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/with-postgres");
    let mut child = Command::new(script)
        .args(["sh", "-c", "echo \"$JIALING_TEST_POSTGRES\"; exec cat >/dev/null"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // Its own group: a signal meant for the test must not keep it from cleaning up.
        .process_group(0)
        .spawn()
        .expect("scripts/with-postgres can be run");
    let mut address = String::new();
    let mut said = BufReader::new(child.stdout.take().expect("piped"));
    said.read_line(&mut address).expect("scripts/with-postgres can be read");
    if address.trim().is_empty() {
        let mut why = String::new();
        let _ = child.stderr.take().expect("piped").read_to_string(&mut why);
        panic!("These tests need PostgreSQL (Debian package `postgresql`), and it did not start:\n{why}");
    }
    (address.trim().to_owned(), child)
}
