//! The spool: updates in files of this machine, in order, while the database is away.
//!
//! ```text
//! spool/0000000000000007.spool    length, checksum, JSON; length, checksum, JSON; …      oldest first
//! ```
//! Each append is on disk when it returns, and there whole or not at all: what a crash left of one at a file's end is
//! cut off by its checksum. A process never goes on with a file of another. *Full:* an append more is refused.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::model::CallUpdate;

/// A file that is this long is followed by another, so that what was written to the database can be deleted.
const FILE_BYTES: u64 = 8 * 1024 * 1024;
/// Of one update; real ones have about 1 KB.
const UPDATE_BYTES_MAX: usize = 1024 * 1024;
const LENGTH: usize = 4;
const CHECKSUM: usize = 8;
const HEAD: usize = LENGTH + CHECKSUM;

/// Why nothing was appended.
#[derive(Debug, thiserror::Error)]
pub(super) enum SpoolError {
    /// It has as much as it may have.
    #[error("the spool is full (OFFHOOK_SPOOL_MAX_MB)")]
    Full,
    /// The file system.
    #[error("the spool cannot be written: {0}")]
    Io(#[from] io::Error),
}

/// The spool.
#[derive(Debug)]
pub(super) struct Spool {
    dir: PathBuf,
    bytes_max: u64,
    /// Oldest first.
    files: VecDeque<Piece>,
    /// How much of the oldest has been taken.
    taken: u64,
    /// The newest, where it is one of this process.
    tail: Option<File>,
    next: u64,
}

/// One file.
#[derive(Debug)]
struct Piece {
    path: PathBuf,
    /// Of whole updates; what lies behind is no part of it.
    bytes: u64,
    updates: u64,
}

/// The oldest updates, and what taking them away means.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// In order.
    pub(super) updates: Vec<CallUpdate>,
    bytes: u64,
    /// With those that nobody can read any more.
    count: u64,
}

impl Batch {
    /// Updates that are there whole and make no sense, as after a change of their form.
    pub(super) fn unreadable(&self) -> u64 {
        self.count - self.updates.len() as u64
    }
}

impl Spool {
    /// Opens what is in `dir`, which is made if need be.
    pub(super) fn open(dir: &Path, bytes_max: u64) -> io::Result<Self> {
        fs::create_dir_all(dir)?;
        let mut paths: Vec<PathBuf> = fs::read_dir(dir)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
        paths.retain(|path| number(path).is_some());
        paths.sort_unstable();
        let next = paths.last().and_then(|path| number(path)).map_or(0, |last| last + 1);
        let mut files = VecDeque::new();
        for path in paths {
            let (bytes, updates) = measure(&fs::read(&path)?);
            if updates == 0 {
                fs::remove_file(path)?;
            } else {
                files.push_back(Piece { path, bytes, updates });
            }
        }
        Ok(Self { dir: dir.to_owned(), bytes_max, files, taken: 0, tail: None, next })
    }

    /// How many updates it has.
    pub(super) fn len(&self) -> u64 {
        self.files.iter().map(|piece| piece.updates).sum()
    }

    /// How many bytes its files have.
    pub(super) fn bytes(&self) -> u64 {
        self.files.iter().map(|piece| piece.bytes).sum()
    }

    /// Puts updates at the end, all or none; on disk when it returns.
    pub(super) fn append(&mut self, updates: &[CallUpdate]) -> Result<(), SpoolError> {
        let mut encoded = Vec::with_capacity(updates.len() * 1_024);
        for update in updates {
            encode(update, &mut encoded)?;
        }
        if self.bytes() + encoded.len() as u64 > self.bytes_max {
            return Err(SpoolError::Full);
        }
        if self.tail.is_none() || self.files.back().is_none_or(|piece| piece.bytes >= FILE_BYTES) {
            self.begin_file()?;
        }
        let (Some(tail), Some(piece)) = (&mut self.tail, self.files.back_mut()) else { return Ok(()) };
        if let Err(error) = tail.write_all(&encoded).and_then(|()| tail.sync_data()) {
            // What is half there must not be followed by what is whole: the next append begins a file.
            let _ = tail.set_len(piece.bytes);
            self.tail = None;
            if piece.updates == 0 {
                let _ = self.files.pop_back().map(|piece| fs::remove_file(piece.path));
            }
            return Err(error.into());
        }
        piece.bytes += encoded.len() as u64;
        piece.updates += updates.len() as u64;
        Ok(())
    }

    /// The oldest updates, at most `max`, without taking them away.
    pub(super) fn peek(&self, max: usize) -> io::Result<Batch> {
        let mut batch = Batch::default();
        let Some(oldest) = self.files.front() else { return Ok(batch) };
        let mut file = File::open(&oldest.path)?;
        file.seek(SeekFrom::Start(self.taken))?;
        let mut bytes = Vec::new();
        file.take(oldest.bytes - self.taken).read_to_end(&mut bytes)?;
        while batch.count < max as u64
            && let Some(body) = decode(&bytes[batch.bytes as usize..])
        {
            batch.updates.extend(serde_json::from_slice(body).ok());
            batch.bytes += (HEAD + body.len()) as u64;
            batch.count += 1;
        }
        Ok(batch)
    }

    /// Takes a batch away that was peeked at.
    pub(super) fn take(&mut self, batch: &Batch) -> io::Result<()> {
        let Some(oldest) = self.files.front_mut() else { return Ok(()) };
        self.taken += batch.bytes;
        oldest.updates = oldest.updates.saturating_sub(batch.count);
        // Nothing to read although there should be: the disk lost it.
        if self.taken < oldest.bytes && batch.count > 0 {
            return Ok(());
        }
        self.taken = 0;
        if self.files.len() == 1 {
            self.tail = None;
        }
        match self.files.pop_front() {
            Some(done) => fs::remove_file(done.path),
            None => Ok(()),
        }
    }

    fn begin_file(&mut self) -> io::Result<()> {
        let path = self.dir.join(format!("{:016}.spool", self.next));
        let file = OpenOptions::new().create_new(true).append(true).mode(0o600).open(&path)?;
        // The file's name has to be on disk as well as what is in it.
        File::open(&self.dir)?.sync_all()?;
        self.next += 1;
        self.tail = Some(file);
        self.files.push_back(Piece { path, bytes: 0, updates: 0 });
        Ok(())
    }
}

fn number(path: &Path) -> Option<u64> {
    let digits = path.file_name()?.to_str()?.strip_suffix(".spool")?;
    (digits.len() == 16).then(|| digits.parse().ok()).flatten()
}

fn encode(update: &CallUpdate, into: &mut Vec<u8>) -> io::Result<()> {
    let body = serde_json::to_vec(update)?;
    let length = u32::try_from(body.len()).ok().filter(|_| body.len() <= UPDATE_BYTES_MAX);
    let length = length.ok_or_else(|| io::Error::other("an update is too large"))?;
    into.extend_from_slice(&length.to_le_bytes());
    into.extend_from_slice(&checksum(&body));
    into.extend_from_slice(&body);
    Ok(())
}

/// The body of the first update, if it is there whole.
fn decode(bytes: &[u8]) -> Option<&[u8]> {
    let length = u32::from_le_bytes(bytes.get(..LENGTH)?.try_into().ok()?) as usize;
    if length > UPDATE_BYTES_MAX {
        return None;
    }
    let body = bytes.get(HEAD..HEAD + length)?;
    (checksum(body) == bytes[LENGTH..HEAD]).then_some(body)
}

fn checksum(body: &[u8]) -> [u8; CHECKSUM] {
    let mut first = [0; CHECKSUM];
    first.copy_from_slice(&Sha256::digest(body)[..CHECKSUM]);
    first
}

/// Bytes and number of the whole updates at the start.
fn measure(bytes: &[u8]) -> (u64, u64) {
    let (mut at, mut updates) = (0, 0);
    while let Some(body) = decode(&bytes[at..]) {
        at += HEAD + body.len();
        updates += 1;
    }
    if at < bytes.len() {
        tracing::warn!(bytes = bytes.len() - at, "the end of a spool file is torn and is left out");
    }
    (at as u64, updates)
}
