//! The platform as a process of its own, so that it can die as processes do.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// How long a start may take before it counts as failed.
const READY_WITHIN: Duration = Duration::from_secs(180);
/// How long an orderly stop may take.
const STOP_WITHIN: Duration = Duration::from_secs(60);

/// The running platform. Dropped, it is killed.
pub(super) struct Child {
    process: std::process::Child,
    /// Says no more once the process has ended.
    lines: mpsc::Receiver<String>,
    pub(super) url: String,
}

impl Child {
    /// Starts a small city on `data` and waits until it is ready.
    pub(super) fn start(data: &Path, seed: u64) -> Result<Self, String> {
        let program =
            std::env::current_exe().map_err(|error| format!("cannot find this program: {error}"))?;
        std::fs::create_dir_all(data).map_err(|error| format!("cannot make {}: {error}", data.display()))?;
        let log = data.join("platform.log");
        let errors = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&log)
            .map_err(|error| format!("{}: {error}", log.display()))?;
        let process = command(&program, data, seed, errors)
            .spawn()
            .map_err(|error| format!("cannot start {}: {error}", program.display()))?;
        let (tell, lines) = mpsc::channel();
        let mut child = Self { process, lines, url: String::new() };
        let out = child.process.stdout.take().ok_or("the platform has no output")?;
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                if tell.send(line).is_err() {
                    return;
                }
            }
        });
        let line = child
            .lines
            .recv_timeout(READY_WITHIN)
            .map_err(|_| format!("the platform did not become ready; see {}", log.display()))?;
        child.url = line
            .strip_prefix("ready ")
            .ok_or_else(|| format!("the platform said {line:?} instead of its address"))?
            .to_owned();
        Ok(child)
    }

    /// Ends it by SIGKILL: no handler runs, no buffer is flushed.
    pub(super) fn kill(mut self) -> Result<(), String> {
        self.process
            .kill()
            .and_then(|()| self.process.wait())
            .map(drop)
            .map_err(|error| format!("cannot kill the platform: {error}"))
    }

    /// Asks it to stop and waits for it.
    pub(super) fn stop(mut self) -> Result<(), String> {
        let id = rustix::process::Pid::from_child(&self.process);
        rustix::process::kill_process(id, rustix::process::Signal::TERM)
            .map_err(|error| format!("cannot stop the platform: {error}"))?;
        match self.lines.recv_timeout(STOP_WITHIN) {
            Err(mpsc::RecvTimeoutError::Disconnected) => {}
            _ => return Err("the platform did not stop when asked".into()),
        }
        let status = self.process.wait().map_err(|error| error.to_string())?;
        if status.success() { Ok(()) } else { Err(format!("the platform ended with {status}")) }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // Both fail only if it has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn command(program: &Path, data: &Path, seed: u64, errors: File) -> Command {
    let mut command = Command::new(program);
    command
        .args(["demo", "--port", "0", "--no-traffic", "--people", "12", "--shops", "3", "--banks", "2"])
        .arg("--seed")
        .arg(seed.to_string())
        .arg("--data")
        .arg(data)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(errors);
    command
}
