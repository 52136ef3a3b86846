//! Sandboxes through a real socket, as an integrator meets them.

mod clock;
mod conform;
mod faults;
mod life;
mod notices;
mod orders;
mod world;
