//! The whole system with its real programs, real cameras, hostile ones, and faults.
//!
//! Each test starts what it needs and shares nothing with the others, so that they may run at the same time and in
//! any order; all of them are bounded in time. Missing programs of others are failures that say what to install;
//! a right that the machine withholds (mounting, packet sockets, others' memory) is said as `SKIPPED(reason)`.

#[cfg(test)]
mod answers;
#[cfg(test)]
mod cameras;
#[cfg(test)]
mod devices;
#[cfg(test)]
mod doors;
#[cfg(test)]
mod failures;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod footage;
#[cfg(test)]
mod lan;
#[cfg(test)]
mod passkeys;
#[cfg(test)]
mod peers;
#[cfg(test)]
mod secrecy;
#[cfg(test)]
#[path = "../../../core/access/src/passkey/soft.rs"]
mod soft;
#[cfg(test)]
mod tour;
#[cfg(test)]
mod viewers;
