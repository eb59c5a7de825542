//! What there is to choose from, and labels for what others bring along.

use std::path::PathBuf;

use super::terminal::say;
use crate::caller::{clips, label, library, made, script};

pub(super) fn label_files(files: &[PathBuf]) -> Result<u8, String> {
    for path in files {
        let shown = path.display().to_string();
        let file = std::fs::File::open(path).map_err(|e| format!("{shown}: {e}"))?;
        let samples = clips::read(&shown, std::io::BufReader::new(file)).map_err(|e| e.to_string())?;
        match label::label(&samples) {
            Some(found) => {
                say(format!("{shown}: onset_ms = {}, offset_ms = {}", found.onset.0 / 1_000, found.offset.0 / 1_000))
            }
            None => say(format!("{shown}: no speech")),
        }
    }
    Ok(0)
}

pub(super) fn list() {
    say("scenarios (call --script NAME, or all of them: scenarios):");
    for (name, _) in library::SCENARIOS {
        let Ok(script) = script::load(name) else { continue };
        let informs = script.informs.map(|subject| format!(" [only informs: {subject}]")).unwrap_or_default();
        let needs = script.needs.map(|needs| format!(" [needs: {needs}]")).unwrap_or_default();
        say(format!("  {name:<24}{}{informs}{needs}", script.about));
    }
    say("parties, how a call is taken (serve --party NUMBER=NAME, --anybody NAME):");
    for (name, _) in library::PARTIES {
        let Ok(script) = script::load(name) else { continue };
        say(format!("  {name:<24}{}", script.about));
    }
    say(format!("clips (and made ones: {}):", made::NAMES));
    for clip in clips::catalogue() {
        say(format!("  {:<28}{} ({})", clip.name, clip.text, clip.speaker));
    }
}
