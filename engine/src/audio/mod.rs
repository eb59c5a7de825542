//! Audio: plain arithmetic on samples. No socket, thread, clock or allocation lives here.
//!
//! In the order sound passes them:
//! [`frame`] 20 ms as the carrier sends it ← → [`g711`] samples, then [`level`] how loud against how quiet, then
//! [`vad`] whether a voice is heard. Agents that work at another rate hear and speak through [`resample`].

pub mod frame;
pub mod g711;
pub mod level;
pub mod resample;
pub mod vad;
