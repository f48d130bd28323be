//! Later in this file's life.
