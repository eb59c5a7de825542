//! A server on a real socket that answers each path with its page, and listens to one-way streams.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use futures_util::StreamExt;
use loadtest::twilio::form::Fields;
use loadtest::twilio::signature::sign;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;

use super::server::{TOKEN, decode, header};

/// Content type and body by path; others are answered 204.
pub(crate) type Pages = BTreeMap<&'static str, (&'static str, Vec<u8>)>;

/// What the server saw.
#[derive(Default, Debug)]
pub(crate) struct Visits {
    /// Path and fields of each request.
    pub(crate) requests: Vec<(String, Fields)>,
    /// Messages of the streams.
    pub(crate) messages: Vec<Value>,
    pub(crate) bad_signatures: Vec<String>,
}

impl Visits {
    /// The values of one field in the requests for one path.
    pub(crate) fn of(&self, path: &str, field: &str) -> Vec<String> {
        let of_path = self.requests.iter().filter(|(to, _)| to == path);
        of_path.map(|(_, fields)| super::bench::value(fields, field)).collect()
    }
}

/// Serves until the test ends; `HOST` in a page is the server's own `host:port`, which is returned.
pub(crate) async fn pages(pages: Pages) -> (String, Arc<Mutex<Visits>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let authority = listener.local_addr().unwrap().to_string();
    let visits = Arc::new(Mutex::new(Visits::default()));
    let (host, shared, pages) = (authority.clone(), Arc::clone(&visits), Arc::new(pages));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (host, shared, pages) = (host.clone(), Arc::clone(&shared), Arc::clone(&pages));
            tokio::spawn(async move {
                let mut start = [0; 8];
                if stream.peek(&mut start).await.unwrap_or(0) == 8 && &start == b"GET /tap" {
                    listen(stream, &shared).await;
                } else {
                    page(stream, &host, &shared, &pages).await;
                }
            });
        }
    });
    (authority, visits)
}

async fn listen(stream: TcpStream, visits: &Mutex<Visits>) {
    let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
    while let Some(Ok(message)) = socket.next().await {
        if let Message::Text(text) = message {
            visits.lock().unwrap().messages.push(serde_json::from_str(&text).unwrap());
        }
    }
}

async fn page(mut stream: TcpStream, host: &str, visits: &Mutex<Visits>, pages: &Pages) {
    let mut bytes = Vec::new();
    let (head, body) = loop {
        let mut chunk = [0; 4_096];
        let count = stream.read(&mut chunk).await.unwrap();
        bytes.extend_from_slice(&chunk[..count]);
        let text = String::from_utf8(bytes.clone()).unwrap();
        if let Some((head, body)) = text.split_once("\r\n\r\n")
            && body.len() >= header(head, "content-length").parse::<usize>().unwrap_or(0)
        {
            break (head.to_owned(), body.to_owned());
        }
    };
    let path = head.split(' ').nth(1).unwrap().to_owned();
    let fields = decode(&body);
    if sign(TOKEN, &format!("http://{host}{path}"), &fields) != header(&head, "x-twilio-signature") {
        visits.lock().unwrap().bad_signatures.push(path.clone());
    }
    visits.lock().unwrap().requests.push((path.clone(), fields));
    let answer = match pages.get(path.as_str()) {
        Some((kind, body)) => {
            let body = match std::str::from_utf8(body) {
                Ok(text) => text.replace("HOST", host).into_bytes(),
                Err(_) => body.clone(),
            };
            let head = format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n", body.len());
            [head.into_bytes(), body].concat()
        }
        None => b"HTTP/1.1 204 No Content\r\n\r\n".to_vec(),
    };
    stream.write_all(&answer).await.unwrap();
}
