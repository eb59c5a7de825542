//! Gathers what flags, environment and file say, strongest first, and remembers who said it.

use std::collections::BTreeMap;

use super::fault::{Fault, nearest, slip};
use super::settings::{self, Setting, file_key_of};

/// Where a value stands in the order of precedence; greater wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Layer {
    File,
    Environment,
    Flag,
}

/// A value as it was written, and by whom.
#[derive(Debug, Clone)]
pub(super) struct Given {
    pub(super) value: String,
    pub(super) layer: Layer,
    pub(super) from: String,
}

/// Everything that is said from outside. Tests write it; `main` fills it from the process.
#[derive(Default)]
pub struct Sources {
    /// Flag (without dashes) and value.
    pub flags: Vec<(String, String)>,
    /// The environment.
    pub env: Vec<(String, String)>,
    /// Names in the environment whose values are not UTF-8.
    pub env_unreadable: Vec<String>,
    /// The configuration file's name and text, if there is one.
    pub file: Option<(String, String)>,
}

impl std::fmt::Debug for Sources {
    /// Names only: values may be secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = |pairs: &[(String, String)]| pairs.iter().map(|p| p.0.clone()).collect::<Vec<_>>();
        f.debug_struct("Sources")
            .field("flags", &names(&self.flags))
            .field("env", &names(&self.env))
            .field("env_unreadable", &self.env_unreadable)
            .field("file", &self.file.as_ref().map(|f| &f.0))
            .finish()
    }
}

/// What was said about each setting, by canonical name.
#[derive(Default)]
pub(super) struct Layers {
    given: BTreeMap<&'static str, Given>,
    pub(super) faults: Vec<Fault>,
    pub(super) warnings: Vec<String>,
    /// Names in the environment that look like ours and are not, each with the one that was most likely meant.
    misspelt: Vec<(String, &'static str)>,
}

impl Layers {
    /// Reads the three sources.
    pub(super) fn gather(sources: &Sources) -> Self {
        let mut layers = Self::default();
        if let Some((name, text)) = &sources.file {
            layers.read_file(name, text);
        }
        layers.read_environment(&sources.env);
        layers.refuse_unreadable(&sources.env_unreadable);
        let names = sources.env.iter().map(|(name, _)| name).chain(&sources.env_unreadable);
        names.for_each(|name| layers.warn_of_unknown(name));
        for (flag, value) in &sources.flags {
            if let Some(setting) = settings::ALL.iter().find(|s| s.flag().as_deref() == Some(flag)) {
                layers.take(setting, value.clone(), Layer::Flag, format!("--{flag}"));
            }
        }
        layers
    }

    /// What the strongest source says of `setting`.
    pub(super) fn get(&self, setting: &Setting) -> Option<&Given> {
        self.given.get(setting.name)
    }

    /// A name in the environment that nobody knows and that was most likely meant for `setting`.
    pub(super) fn misspelt_for(&self, setting: &Setting) -> Option<&str> {
        self.misspelt
            .iter()
            .find(|(_, meant)| setting.names().any(|name| name == *meant))
            .map(|(name, _)| name.as_str())
    }

    /// Records a fault of `setting` where it was said.
    pub(super) fn fault(&mut self, setting: &Setting, wrong: impl Into<String>, fix: impl Into<String>) {
        let from = self.get(setting).map_or(String::new(), |given| given.from.clone());
        self.faults.push(Fault { key: setting.name.into(), from, wrong: wrong.into(), fix: fix.into() });
    }

    fn take(&mut self, setting: &'static Setting, value: String, layer: Layer, from: String) {
        if let Some(earlier) = self.given.get(setting.name)
            && earlier.layer == layer
            && earlier.value.trim() != value.trim()
        {
            self.faults.push(Fault {
                key: setting.name.into(),
                from: format!("{} and {from}", earlier.from),
                wrong: "they say different things".into(),
                fix: "keep one of them".into(),
            });
            return;
        }
        self.given.insert(setting.name, Given { value, layer, from });
    }

    fn read_environment(&mut self, env: &[(String, String)]) {
        for setting in settings::ALL {
            for name in setting.names() {
                // An empty variable is how compose files and shells say "not set".
                if let Some((_, value)) = env.iter().find(|(n, v)| n == name && !v.trim().is_empty()) {
                    self.take(setting, value.clone(), Layer::Environment, format!("environment variable {name}"));
                }
            }
        }
    }

    /// A setting that cannot be read is not one that was not set.
    fn refuse_unreadable(&mut self, names: &[String]) {
        for name in names.iter().filter(|name| known().any(|known| known == *name)) {
            self.faults.push(Fault {
                key: name.clone(),
                from: format!("environment variable {name}"),
                wrong: "is not valid UTF-8".into(),
                fix: "write it anew; a copy from elsewhere may have brought bytes of another encoding".into(),
            });
        }
    }

    fn warn_of_unknown(&mut self, name: &str) {
        // Container platforms invent OFFHOOK_SERVICE_HOST and the like: a warning, not a fault.
        let looks_like_ours = ["OFFHOOK_", "TWILIO_", "TELEPHONY_"].iter().any(|start| name.starts_with(start));
        if known().any(|known| known == name) {
            return;
        }
        let meant = if looks_like_ours { nearest(name, known()) } else { slip(name, known()) };
        if !looks_like_ours && meant.is_none() {
            return;
        }
        self.misspelt.extend(meant.map(|meant| (name.to_owned(), meant)));
        let hint = meant.map_or(String::new(), |meant| format!("; did you mean {meant}?"));
        self.warnings.push(format!("environment variable {name} is no setting and was ignored{hint}"));
    }

    fn read_file(&mut self, name: &str, text: &str) {
        let table = match text.parse::<toml::Table>() {
            Ok(table) => table,
            Err(error) => {
                // The error's own text quotes the line, which may hold a secret.
                let at = error.span().map_or(0, |span| text[..span.start.min(text.len())].lines().count().max(1));
                self.faults.push(Fault {
                    key: name.into(),
                    from: String::new(),
                    wrong: format!("line {at} is not valid TOML: {}", error.message()),
                    fix: "write lines such as: listen = \"127.0.0.1:8080\"".into(),
                });
                return;
            }
        };
        for (key, value) in table {
            self.read_file_key(name, &key, value);
        }
    }

    fn read_file_key(&mut self, name: &str, key: &str, value: toml::Value) {
        let setting = settings::ALL.iter().find(|s| s.names().any(|n| file_key_of(n) == *key));
        let Some(setting) = setting else {
            let known: Vec<String> = settings::ALL.iter().map(|s| s.file_key()).collect();
            let fix = match nearest(key, known.iter().map(String::as_str)) {
                Some(meant) => format!("did you mean {meant}?"),
                None => "remove it; `offhook config` lists every key".into(),
            };
            self.faults.push(Fault { key: key.into(), from: name.into(), wrong: "no such setting".into(), fix });
            return;
        };
        let from = format!("{name}: {key}");
        match plain(value) {
            Some(text) => self.take(setting, text, Layer::File, from),
            None => self.faults.push(Fault {
                key: setting.name.into(),
                from,
                wrong: "is not a plain value".into(),
                fix: "write a string, a number, true, false, or a list of strings".into(),
            }),
        }
    }
}

/// Every name that means something in the environment.
fn known() -> impl Iterator<Item = &'static str> {
    settings::ALL.iter().flat_map(|setting| setting.names()).chain(["OFFHOOK_CONFIG"])
}

/// A file's value as an environment variable would hold it.
fn plain(value: toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Boolean(yes) => Some(yes.to_string()),
        toml::Value::Array(items) => {
            let items: Option<Vec<String>> = items.into_iter().map(plain).collect();
            items.map(|items| items.join(","))
        }
        _ => None,
    }
}
