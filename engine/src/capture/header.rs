//! The header of a capture: everything that a leg and its detector are made from.

use std::io::BufRead;
use std::time::Duration;

use super::error::CaptureError;
use super::pack::Pack;
use super::record::MICROS_MAX;
use super::unpack::Unpack;
use crate::audio::vad::Gates;
use crate::time::Instant;
use crate::turn::TurnParams;

const MAGIC: &[u8; 8] = b"OFFHKCAP";

/// Raised with every change of what a file holds: a leg that decides otherwise needs no new one.
pub(super) const VERSION: u16 = 1;

/// How a captured call began.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Header {
    /// When its leg was made.
    pub begun: Instant,
    /// The epoch with which its leg was made.
    pub epoch: u32,
    /// How turns were taken.
    pub turn: TurnParams,
    /// How the detector listened.
    pub gates: Gates,
}

impl Header {
    pub(super) fn pack(&self) -> Pack {
        // Named one by one: a parameter that is added must be written too.
        let TurnParams { onset_blocks, early, early_onset_blocks, echo_margin_db, echo_window, end_silence } =
            self.turn;
        let Gates { over_floor_db, level_min_dbfs, periodicity_min } = self.gates;
        let mut pack = Pack::new();
        pack.bytes(MAGIC);
        pack.bytes(&VERSION.to_le_bytes());
        pack.number(self.begun.micros());
        pack.number(self.epoch);
        pack.u8(onset_blocks);
        pack.u8(early_onset_blocks);
        pack.f32(echo_margin_db);
        [early, echo_window, end_silence].iter().for_each(|duration| pack.number(nanos(*duration)));
        [over_floor_db, level_min_dbfs, periodicity_min].iter().for_each(|gate| pack.f32(*gate));
        pack
    }

    pub(super) fn unpack<R: BufRead>(from: &mut Unpack<R>) -> Result<Header, CaptureError> {
        let magic = from.array::<8>().map_err(|error| match error {
            CaptureError::BrokenOff { .. } => CaptureError::NotACapture,
            other => other,
        })?;
        if &magic != MAGIC {
            return Err(CaptureError::NotACapture);
        }
        let found = u16::from_le_bytes(from.array()?);
        if found != VERSION {
            return Err(CaptureError::Version { found });
        }
        let begun_us: u64 = from.number()?;
        if begun_us > MICROS_MAX {
            return Err(from.malformed("a beginning in no lifetime of a machine"));
        }
        let epoch = from.number()?;
        let (onset_blocks, early_onset_blocks) = (from.u8()?, from.u8()?);
        let echo_margin_db = from.f32()?;
        let mut duration = || from.number().map(Duration::from_nanos);
        let (early, echo_window, end_silence) = (duration()?, duration()?, duration()?);
        Ok(Header {
            begun: Instant::from_micros(begun_us),
            epoch,
            turn: TurnParams { onset_blocks, early, early_onset_blocks, echo_margin_db, echo_window, end_silence },
            gates: Gates { over_floor_db: from.f32()?, level_min_dbfs: from.f32()?, periodicity_min: from.f32()? },
        })
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
