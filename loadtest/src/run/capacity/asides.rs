//! What is played beside the search: other ways of calling, and the server started otherwise.

use super::bench::{Bench, Task};
use crate::cli::{CapacityArgs, Scene};
use crate::report::capacity::{Aside, Features};

/// A feature: what it is called, and what starts a server with it.
pub(super) type Feature = (String, String);

/// The features that were asked for.
pub(super) fn features(args: &CapacityArgs) -> Result<Vec<Feature>, String> {
    let serve = args.serve.as_deref().unwrap_or_default();
    args.features.iter().map(|feature| parse(feature, serve)).collect()
}

/// `NAME=COMMAND`, or `NAME=` and variables that `serve` is started with.
fn parse(feature: &str, serve: &str) -> Result<Feature, String> {
    let (name, command) = feature.split_once('=').unwrap_or((feature, ""));
    let (name, command) = (name.trim(), command.trim());
    if name.is_empty() || command.is_empty() {
        return Err(format!("--feature {feature}: a name, =, and a command or VARIABLE=VALUE"));
    }
    let sets = |word: &str| word.split_once('=').is_some_and(|(name, _)| is_variable(name));
    let only_sets = command.split_ascii_whitespace().all(sets);
    Ok((name.into(), if only_sets { format!("{command} {serve}") } else { command.into() }))
}

fn is_variable(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Plays each scene with four fifths of the calls that are held: at the very edge everything misses something.
pub(super) fn play_scenes(bench: &mut Bench<'_>, held: usize) -> Result<Vec<Aside>, String> {
    let calls = held * 4 / 5;
    let scenes = bench.args.scenes.iter().filter(|scene| **scene != Scene::None && calls > 0);
    let mut played = Vec::new();
    for scene in scenes {
        let (name, about) = told(*scene);
        let task = Task {
            what: format!("{name}, {calls} calls"),
            calls,
            length_s: bench.args.search.proof,
            scene: *scene,
            command: bench.args.serve.as_deref(),
        };
        let plateau = bench.plateau(&task)?;
        bench.stand.progress.note(&format!("{}   ({name})", plateau.line()));
        played.push(Aside { name: name.into(), about: about.into(), plateau });
    }
    Ok(played)
}

const fn told(scene: Scene) -> (&'static str, &'static str) {
    match scene {
        Scene::Churn => ("coming and going", "calls last 30 s on average, and are replaced"),
        Scene::Burst => ("bursts", "every 5 s a fifth of all calls ends, and as many begin, all at once"),
        Scene::Outbound => ("outbound", "the account has placed the calls: the webhook is told so"),
        Scene::None => ("plateau", "nothing"),
    }
}

/// Plays the server as it is, with each feature, and once more as it is.
pub(super) fn play_features(
    bench: &mut Bench<'_>,
    held: usize,
    features: &[Feature],
) -> Result<Option<Features>, String> {
    let calls = bench.args.feature_calls.unwrap_or(held / 2);
    if features.is_empty() || calls == 0 {
        return Ok(None);
    }
    let plain = bench.args.serve.as_deref();
    let mut play = |name: &str, command: Option<&str>| {
        let what = format!("feature: {name}, {calls} calls");
        let length_s = bench.args.search.plateau;
        let plateau = bench.plateau(&Task { what, calls, length_s, scene: Scene::None, command })?;
        bench.stand.progress.note(&format!("{}   ({name})", plateau.line()));
        Ok::<_, String>(plateau)
    };
    let before = play("as started", plain)?;
    let mut each = Vec::new();
    for (name, command) in features {
        let plateau = play(name, Some(command))?;
        each.push(Aside { name: name.clone(), about: command.clone(), plateau });
    }
    Ok(Some(Features { plain: [before, play("as started", plain)?], each }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feature_is_a_command_or_variables() {
        let command = |feature: &str| parse(feature, "L=1 server").map(|(name, command)| format!("{name}: {command}"));
        assert_eq!(command("no detector=server --no-vad").unwrap(), "no detector: server --no-vad");
        assert_eq!(command("capture=A=1 B_2=x/y").unwrap(), "capture: A=1 B_2=x/y L=1 server");
        assert_eq!(command("other=A=1 server --x=2").unwrap(), "other: A=1 server --x=2");
        assert!(command("nothing").is_err() && command("=x").is_err());
    }
}
