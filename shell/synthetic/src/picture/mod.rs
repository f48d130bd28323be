//! The picture: planes that are kept from frame to frame, of which only what moves is drawn again.

mod face;
mod plane;
mod scene;

pub(crate) use plane::{Area, Frame, Plane};
pub(crate) use scene::Scene;
