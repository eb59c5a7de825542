//! One-way media sockets, each with a task of its own that writes what the call hands over.
//!
//! Between call and task stands a channel of 256 messages. Full: the server has not read for seconds, and the message
//! is dropped. Empty: the task waits. Late: the socket's own limit breaks it.

use std::collections::BTreeMap;

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::clock::Clock;
use super::route::Route;
use super::socket::{Received, Socket};
use crate::twilio::url::Url;
use crate::twilio::warning::Warning;

/// Messages that wait to be written.
const AHEAD: usize = 256;

/// What became of a socket.
#[derive(Debug)]
pub(super) enum Became {
    /// It is open.
    Open,
    /// It is over; the warning says why, unless the server closed it properly.
    Closed(Option<Warning>),
}

/// The one-way sockets of one call.
#[derive(Debug)]
pub(super) struct Taps {
    writers: BTreeMap<String, mpsc::Sender<String>>,
    news: mpsc::Sender<(String, Became)>,
    heard: mpsc::Receiver<(String, Became)>,
    tasks: JoinSet<()>,
}

impl Default for Taps {
    fn default() -> Self {
        let (news, heard) = mpsc::channel(AHEAD);
        Self { writers: BTreeMap::new(), news, heard, tasks: JoinSet::new() }
    }
}

impl Taps {
    pub(super) fn open(&mut self, sid: String, url: Url, signature: String, route: Route, clock: Clock) {
        let (writer, texts) = mpsc::channel(AHEAD);
        self.writers.insert(sid.clone(), writer);
        let news = self.news.clone();
        self.tasks.spawn(async move {
            let became = match Socket::open(url, Some(signature), route, clock).await {
                Ok(socket) => carry(socket, &sid, texts, &news).await,
                Err(warning) => Some(Became::Closed(Some(warning))),
            };
            if let Some(became) = became {
                let _ = news.send((sid, became)).await;
            }
        });
    }

    pub(super) fn send(&mut self, sid: &str, text: String) {
        if let Some(writer) = self.writers.get(sid) {
            let _ = writer.try_send(text);
        }
    }

    /// What has been handed over is still written.
    pub(super) fn close(&mut self, sid: &str) {
        self.writers.remove(sid);
    }

    /// The next thing that happens to any of them. Safe to be dropped and called again.
    pub(super) async fn next(&mut self) -> (String, Became) {
        match self.heard.recv().await {
            Some(news) => news,
            // We hold a sender ourselves.
            None => std::future::pending().await,
        }
    }

    /// Closes all, and waits until they are.
    pub(super) async fn finish(mut self) {
        self.writers.clear();
        drop(self.heard);
        while self.tasks.join_next().await.is_some() {}
    }
}

/// Until the call closes it (then nothing is told) or the server does.
async fn carry(
    mut socket: Socket,
    sid: &str,
    mut texts: mpsc::Receiver<String>,
    news: &mpsc::Sender<(String, Became)>,
) -> Option<Became> {
    let _ = news.send((sid.to_owned(), Became::Open)).await;
    loop {
        tokio::select! {
            text = texts.recv() => match text {
                Some(text) => if let Err(warning) = socket.send(text).await {
                    socket.cut();
                    return Some(Became::Closed(Some(warning)));
                },
                None => {
                    socket.close().await;
                    return None;
                }
            },
            (_, received) = socket.receive() => match received {
                Received::Closed(_) => {
                    socket.close().await;
                    return Some(Became::Closed(None));
                }
                Received::Broken(warning) => return Some(Became::Closed(Some(warning))),
                // A server has nothing to say on a one-way stream.
                Received::Text(_) | Received::Binary(_) | Received::Pong => {}
            },
        }
    }
}
