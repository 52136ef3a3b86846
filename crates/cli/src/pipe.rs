//! What the reader of our output has had enough of ends the program, quietly.
//!
//! `jialing verify | head` closes the pipe while there is more to print, and the standard library's
//! printing panics then. This is the one place that knows it, for every command.

use std::panic;
use std::process;

/// What a shell sees of a program that SIGPIPE ended.
const ENDED_BY_PIPE: i32 = 141;

/// From now on a closed output ends the process with 141, as SIGPIPE would, and says nothing.
pub(crate) fn end_quietly() {
    let otherwise = panic::take_hook();
    panic::set_hook(Box::new(move |defect| {
        let said = defect.payload().downcast_ref::<String>();
        if said.is_some_and(|said| is_closed_pipe(said)) {
            process::exit(ENDED_BY_PIPE);
        }
        otherwise(defect);
    }));
}

/// Whether this is how the standard library says that an output is closed.
fn is_closed_pipe(said: &str) -> bool {
    let closed = std::io::Error::from_raw_os_error(rustix::io::Errno::PIPE.raw_os_error()).to_string();
    said.strip_prefix("failed printing to std").is_some_and(|rest| rest.ends_with(&closed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_closed_output_ends_quietly() {
        let check = |said: &str, quiet: bool| assert_eq!(is_closed_pipe(said), quiet, "{said}");
        check("failed printing to stdout: Broken pipe (os error 32)", true);
        check("failed printing to stderr: Broken pipe (os error 32)", true);
        check("failed printing to stdout: No space left on device (os error 28)", false);
        check("a defect: Broken pipe (os error 32)", false);
    }
}
