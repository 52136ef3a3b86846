//! A person pays an order.
