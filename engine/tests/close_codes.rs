//! Every code and every word with which a media socket is closed stands in docs/media-sockets.md.

use std::path::{Path, PathBuf};

fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).expect("a folder") {
        let path = entry.expect("an entry").path();
        match path.extension() {
            _ if path.is_dir() => sources(&path, found),
            Some(extension) if extension == "rs" => found.push(path),
            _ => {}
        }
    }
}

/// Every `(1008, "words"` of a text: what faults and refusals are made from.
fn closes(text: &str) -> Vec<(String, String)> {
    let found = text.match_indices("(10").filter_map(|(at, _)| {
        let (code, rest) = text[at + 1..].split_once(',')?;
        let words = rest.trim_start().strip_prefix('"')?.split('"').next()?;
        (code.len() == 4 && code.bytes().all(|byte| byte.is_ascii_digit())).then(|| (code.to_owned(), words.to_owned()))
    });
    found.collect()
}

#[test]
fn every_close_is_explained() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let page = std::fs::read_to_string(root.join("docs/media-sockets.md")).expect("the page");
    let mut files = vec![root.join("control/src/media.rs")];
    sources(&root.join("engine/src/net"), &mut files);
    files.push(root.join("engine/src/engine.rs"));
    let texts = files.iter().map(|file| std::fs::read_to_string(file).expect("a source"));
    let said: Vec<_> = texts.flat_map(|text| closes(&text)).filter(|(_, words)| !words.is_empty()).collect();
    assert!(said.len() > 15, "the sources are not where they were: {said:?}");
    for (code, words) in said {
        assert!(page.contains(&format!("| {code} | {words} |")), "docs/media-sockets.md lacks {code}, {words:?}");
    }
}
