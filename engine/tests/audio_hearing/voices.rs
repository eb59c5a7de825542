//! Recordings of human voices with the moment at which they begin to speak.

use std::path::{Path, PathBuf};

use engine::audio::level::level_dbfs;

/// Where Debian installs `asterisk-core-sounds-{en,es,fr,it,ru}-wav`.
pub(crate) const INSTALLED: &str = "/usr/share/asterisk/sounds";

/// One utterance, 8 kHz.
pub(crate) struct Clip {
    pub(crate) name: String,
    pub(crate) samples: Vec<i16>,
    pub(crate) onset_samples: usize,
}

/// The clips that the repository's callers speak with, labelled in `clips.toml`.
pub(crate) fn shipped() -> Vec<Clip> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../loadtest/clips");
    let list = std::fs::read_to_string(folder.join("clips.toml")).expect("loadtest/clips/clips.toml");
    let field = |clip: &str, name: &str| {
        let value = clip.lines().find_map(|line| line.strip_prefix(name)?.trim_start().strip_prefix('='));
        value.unwrap_or_else(|| panic!("{name} of {clip}")).trim().trim_matches('"').to_owned()
    };
    let clip = |text: &str| {
        let name = field(text, "file");
        let onset_ms: usize = field(text, "onset_ms").parse().expect("a number");
        let samples = read_wav(&folder.join(&name)).expect("16 bit WAV");
        Clip { name, samples, onset_samples: onset_ms * 8 }
    };
    list.split("[[clip]]").skip(1).map(clip).collect()
}

/// Every `step`th installed recording of at least half a second of speech; none where none are installed. The onset is
/// the first of four hops of 5 ms in a row above −45 dBFS, as for the shipped clips.
pub(crate) fn installed(step: usize) -> Vec<Clip> {
    let mut files = Vec::new();
    find_wavs(Path::new(INSTALLED), &mut files);
    files.sort();
    let clip = |path: &PathBuf| {
        let samples = read_wav(path)?;
        let loud: Vec<bool> = samples.chunks_exact(40).map(|hop| level_dbfs(hop) > -45.0).collect();
        let onset_samples = loud.windows(4).position(|hops| hops.iter().all(|loud| *loud))? * 40;
        let name = path.display().to_string();
        (samples.len() >= onset_samples + 4_000).then_some(Clip { name, samples, onset_samples })
    };
    files.iter().step_by(step).filter_map(clip).collect()
}

fn find_wavs(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            find_wavs(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "wav") {
            files.push(path);
        }
    }
}

/// The samples of a mono 16-bit WAV.
fn read_wav(path: &Path) -> Option<Vec<i16>> {
    let bytes = std::fs::read(path).ok()?;
    let mut rest = bytes.get(12..)?;
    while let (Some(id), Some(len)) = (rest.get(..4), rest.get(4..8)) {
        let len = u32::from_le_bytes(len.try_into().ok()?) as usize;
        let body = &rest[8..rest.len().min(8 + len)];
        if id == b"data" {
            return Some(body.as_chunks().0.iter().map(|pair| i16::from_le_bytes(*pair)).collect());
        }
        rest = rest.get(8 + len.next_multiple_of(2)..)?;
    }
    None
}
