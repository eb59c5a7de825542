//! The shelf: sounds on disk, so that a restart renders nothing again. A cache: what is missing or damaged is made anew.

use std::fmt::Write as _;
use std::fs::{self, DirEntry};
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use bytes::Bytes;

use super::Name;

/// On disk; beyond it the oldest are thrown away.
const BYTES_MAX: u64 = 1024 * 1024 * 1024;
/// Of one sound: what the maker of sounds allows, and a little.
const SOUND_BYTES_MAX: u64 = 1024 * 1024 + 64 * 1024;

/// The directory of sounds.
#[derive(Debug)]
pub(super) struct Shelf {
    dir: PathBuf,
    /// Of everything on it, as far as known; unknown is `u64::MAX`.
    bytes: AtomicU64,
}

impl Shelf {
    /// The shelf in `dir`, which is made when the first sound is put there.
    pub(super) fn new(dir: PathBuf) -> Self {
        Self { dir, bytes: AtomicU64::new(u64::MAX) }
    }

    /// A sound that is there and whole. Blocks.
    pub(super) fn take(&self, name: &Name) -> Option<Bytes> {
        let path = self.path(name);
        let length = fs::metadata(&path).ok()?.len();
        if length == 0 || length > SOUND_BYTES_MAX {
            return None;
        }
        fs::read(path).ok().map(Bytes::from)
    }

    /// Puts a sound there, whole or not at all. Blocks.
    pub(super) fn put(&self, name: &Name, sound: &[u8]) -> io::Result<()> {
        fs::create_dir_all(&self.dir)?;
        let path = self.path(name);
        let unfinished = path.with_extension("part");
        fs::write(&unfinished, sound)?;
        fs::rename(unfinished, path)?;
        let known = self.bytes.load(Ordering::Relaxed);
        if known == u64::MAX || known + sound.len() as u64 > BYTES_MAX {
            self.bytes.store(self.tidy()?, Ordering::Relaxed);
        } else {
            self.bytes.store(known + sound.len() as u64, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Throws the oldest away until there is a tenth free again, if there is too much; gives how much is left.
    fn tidy(&self) -> io::Result<u64> {
        let mut files: Vec<(SystemTime, u64, PathBuf)> =
            fs::read_dir(&self.dir)?.filter_map(|entry| facts(&entry.ok()?)).collect();
        let mut bytes: u64 = files.iter().map(|(_, length, _)| length).sum();
        if bytes <= BYTES_MAX {
            return Ok(bytes);
        }
        files.sort_unstable();
        for (_, length, path) in files {
            if bytes <= BYTES_MAX / 10 * 9 {
                break;
            }
            fs::remove_file(path)?;
            bytes -= length;
        }
        Ok(bytes)
    }

    fn path(&self, name: &Name) -> PathBuf {
        let mut text = String::with_capacity(70);
        for byte in name {
            // Writing into a String cannot fail.
            let _ = write!(text, "{byte:02x}");
        }
        self.dir.join(text + ".ulaw")
    }
}

fn facts(entry: &DirEntry) -> Option<(SystemTime, u64, PathBuf)> {
    let facts = entry.metadata().ok().filter(fs::Metadata::is_file)?;
    Some((facts.modified().ok()?, facts.len(), entry.path()))
}
