//! The signing thread: a checkpoint of what is durable, at most so often, and at once when asked.

use std::sync::Arc;
use std::time::Instant;

use jialing_journal::{CheckpointSigner, Checkpoints};

use crate::embedded::shared::{Head, Sentinel, Shared};

/// Runs until closed or stopped; signs a last one on the way out.
pub(crate) fn run(shared: Arc<Shared>, signer: CheckpointSigner, mut checkpoints: Checkpoints) {
    let _sentinel = Sentinel { shared: shared.clone(), thread: "signing" };
    let mut last = Instant::now();
    loop {
        let signed = shared.checkpoint.borrow().size;
        let more = |head: &mut Head| {
            let ready = head.closing || head.size > signed;
            head.idle = !ready;
            ready
        };
        drop(shared.head.wait(more));
        let due = shared.config.checkpoint_every.saturating_sub(last.elapsed());
        let urgent = |head: &mut Head| head.closing || (head.wanted > signed && head.size >= head.wanted);
        let (size, root, closing) = {
            let mut head = shared.head.wait_for(due, urgent);
            if head.size >= head.wanted {
                head.wanted = 0;
            }
            (head.size, head.root, head.closing)
        };
        if size > signed && shared.stopped().is_none() {
            last = Instant::now();
            let checkpoint = signer.sign(size, root, shared.now());
            if let Err(error) = checkpoints.append(checkpoint) {
                shared.fail(&format!("a checkpoint could not be stored: {error}"));
                return;
            }
            shared.checkpoint.send_replace(checkpoint);
        }
        if closing {
            return;
        }
    }
}
