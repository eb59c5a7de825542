//! The echo guard: how loud a block must be, while we are heard, to be somebody else than ourselves.
//!
//! What we sent comes back over the line weakened by the echo return loss. While nobody speaks, the difference
//! between the peak that we sent and what we receive bounds that loss from below; its 10th percentile is the learned
//! loss. A block counts as the caller's only above `peak sent − margin`, margin = loss − 6 dB, within bounds.

/// The smallest margin in dB: a line whose echo is that loud is a loudspeaker next to the microphone.
const MARGIN_DB_MIN: f32 = 9.0;
/// The largest margin in dB on a line that has shown that it returns no echo. Callers 30 dB below us are not callers.
const MARGIN_DB_MAX: f32 = 30.0;
/// What is kept between the learned loss and the margin: echo varies by that much within a call.
const HEADROOM_DB: f32 = 6.0;
/// Blocks of evidence before the learned loss is believed: one second of ours, heard, with nobody speaking.
const EVIDENCE_BLOCKS: u32 = 100;
/// Evidence is halved at this number of blocks, so that the last 20 s or so decide.
const EVIDENCE_BLOCKS_MAX: u32 = 2_000;
/// Below this level in dBFS what we send makes no echo that a telephone carries; nothing is learned from it.
const SENT_DBFS_MIN: f32 = -40.0;
/// Width of the histogram in dB; one bin per dB.
const BINS: usize = 64;

/// Learns a call's echo return loss and says from which level on a block is the caller's.
#[derive(Debug, Clone)]
pub struct EchoGuard {
    /// How often each loss (in whole dB) was seen.
    loss_db: [u16; BINS],
    /// Sum over `loss_db`.
    evidence: u32,
    /// Margin used until there is evidence.
    initial_db: f32,
    /// Margin in use.
    margin_db: f32,
}

impl EchoGuard {
    /// A guard that starts with `initial_db` of margin.
    pub fn new(initial_db: f32) -> Self {
        Self { loss_db: [0; BINS], evidence: 0, initial_db, margin_db: initial_db }
    }

    /// The level in dBFS that a block must exceed while the loudest of what we sent lately was `sent_peak_dbfs`.
    pub fn threshold_dbfs(&self, sent_peak_dbfs: f32) -> f32 {
        sent_peak_dbfs - self.margin_db
    }

    /// The margin in use, in dB.
    pub fn margin_db(&self) -> f32 {
        self.margin_db
    }

    /// Learn from a block of `received_dbfs` in which we were heard with `sent_peak_dbfs` and nobody spoke.
    pub fn learn(&mut self, sent_peak_dbfs: f32, received_dbfs: f32) {
        if sent_peak_dbfs < SENT_DBFS_MIN {
            return;
        }
        let loss = (sent_peak_dbfs - received_dbfs).clamp(0.0, (BINS - 1) as f32);
        self.loss_db[loss as usize] += 1;
        self.evidence += 1;
        if self.evidence >= EVIDENCE_BLOCKS_MAX {
            self.halve();
        }
        // The percentile moves slowly: once per tenth of a second is often enough.
        if self.evidence.is_multiple_of(10) {
            self.margin_db = self.learned_margin_db();
        }
    }

    fn learned_margin_db(&self) -> f32 {
        if self.evidence < EVIDENCE_BLOCKS {
            return self.initial_db;
        }
        (self.percentile_10_db() - HEADROOM_DB).clamp(MARGIN_DB_MIN, MARGIN_DB_MAX)
    }

    fn percentile_10_db(&self) -> f32 {
        let mut below = 0;
        for (db, &count) in self.loss_db.iter().enumerate() {
            below += u32::from(count);
            if below * 10 >= self.evidence {
                return db as f32;
            }
        }
        (BINS - 1) as f32
    }

    fn halve(&mut self) {
        self.evidence = 0;
        for count in &mut self.loss_db {
            *count /= 2;
            self.evidence += u32::from(*count);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taught(loss_db: f32, blocks: u32) -> EchoGuard {
        let mut guard = EchoGuard::new(15.0);
        for _ in 0..blocks {
            guard.learn(-16.0, -16.0 - loss_db);
        }
        guard
    }

    #[test]
    fn keeps_its_first_margin_until_there_is_evidence() {
        assert_eq!(taught(40.0, EVIDENCE_BLOCKS - 1).margin_db(), 15.0);
    }

    #[test]
    fn a_line_without_echo_lets_quiet_callers_through() {
        assert_eq!(taught(50.0, 200).margin_db(), MARGIN_DB_MAX);
    }

    #[test]
    fn an_echo_stays_below_the_threshold() {
        for loss in [16.0, 20.0, 25.0, 35.0] {
            let guard = taught(loss, 200);
            assert!(-16.0 - loss < guard.threshold_dbfs(-16.0), "loss {loss} dB: margin {}", guard.margin_db());
        }
    }

    #[test]
    fn a_loudspeaker_never_lowers_the_margin_below_its_floor() {
        assert_eq!(taught(3.0, 200).margin_db(), MARGIN_DB_MIN);
    }

    #[test]
    fn old_evidence_fades() {
        let mut guard = taught(50.0, 5_000);
        for _ in 0..1_000 {
            guard.learn(-16.0, -36.0);
        }
        assert_eq!(guard.margin_db(), 14.0);
    }

    #[test]
    fn nothing_is_learned_from_our_own_silence() {
        let mut guard = EchoGuard::new(15.0);
        for _ in 0..1_000 {
            guard.learn(-60.0, -65.0);
        }
        assert_eq!(guard.margin_db(), 15.0);
    }
}
