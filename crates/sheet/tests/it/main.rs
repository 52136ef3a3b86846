//! Tables as others read them.

mod csv;
mod parquet;
mod read;
