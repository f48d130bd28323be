//! The real router behind a real socket, over a backend in memory: what strangers, thieves, other sites'
//! pages and hostile documents get.

#[cfg(test)]
mod app;
#[cfg(test)]
mod auth;
#[cfg(test)]
mod documents;
#[cfg(test)]
mod entry;
#[cfg(test)]
mod gates;
#[cfg(test)]
mod guide;
#[cfg(test)]
mod house;
#[cfg(test)]
mod invitations;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod live;
#[cfg(test)]
mod matrix;
#[cfg(test)]
mod memory;
#[cfg(test)]
mod passkeys;
#[cfg(test)]
mod recordings;
#[cfg(test)]
#[path = "../../../../core/access/src/passkey/soft.rs"]
mod soft;
#[cfg(test)]
mod tls;
