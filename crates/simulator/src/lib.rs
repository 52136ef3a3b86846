//! Seeded faults against the engine.
