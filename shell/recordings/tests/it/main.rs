//! The recorder against a disk that misbehaves.

mod crashes;
mod disks;
mod fault;
mod finding;
mod lab;
mod live;
mod real;
mod retention;
mod sealer;
