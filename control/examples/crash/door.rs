//! The door between the carrier and the service, as a load balancer is one: it answers 502 while the service is away, or
//! waits for it a little, and notes which of the carrier's own reports the service acknowledged.

use std::sync::Arc;
use std::time::Duration;

use loadtest::twilio::form;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use crate::ledger::Report;
use crate::world::World;

/// The carrier's requests are smaller.
const REQUEST_MAX: usize = 64 * 1024;
/// How long some requests wait for a service that is away.
const WAIT: Duration = Duration::from_millis(1_500);
const AGAIN: Duration = Duration::from_millis(10);
const AWAY: &[u8] = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// Lets the carrier through to the service at this port, for ever.
pub(crate) async fn serve(listener: TcpListener, port: u16, world: Arc<World>) {
    let mut rng = world.rng("door", 0);
    loop {
        let Ok((carrier, _)) = listener.accept().await else { continue };
        let patience = if rng.below(2) == 0 { Duration::ZERO } else { WAIT };
        let world = Arc::clone(&world);
        tokio::spawn(async move {
            // A side that breaks ends the connection; both see that.
            let _ = carry(carrier, port, patience, &world).await;
        });
    }
}

async fn carry(mut carrier: TcpStream, port: u16, patience: Duration, world: &World) -> std::io::Result<()> {
    carrier.set_nodelay(true)?;
    let mut request = Vec::new();
    let Some(head) = read_head(&mut carrier, &mut request).await? else { return Ok(()) };
    let Some(mut service) = connect(port, patience).await else {
        world.count("webhooks that found nobody");
        return carrier.write_all(AWAY).await;
    };
    service.set_nodelay(true)?;
    let is_socket = head.to_ascii_lowercase().contains("\r\nupgrade: websocket");
    if is_socket {
        world.count("media sockets");
        service.write_all(&request).await?;
        return copy_bidirectional(&mut carrier, &mut service).await.map(drop);
    }
    let begins = head.len();
    let ends = begins + content_length(&head);
    while request.len() < ends.min(REQUEST_MAX) && carrier.read_buf(&mut request).await? > 0 {}
    // One request, one connection: the answer ends where the service closes.
    let line_ends = head.find("\r\n").unwrap_or_default();
    service.write_all(&request[..line_ends]).await?;
    service.write_all(b"\r\nConnection: close").await?;
    service.write_all(&request[line_ends..]).await?;
    let mut answer = Vec::new();
    let whole = service.read_to_end(&mut answer).await;
    note(world, &head, &request[begins..], &answer);
    carrier.write_all(&answer).await?;
    whole.map(drop)
}

/// The request's head, blank line included; more may have been read.
async fn read_head(stream: &mut TcpStream, read: &mut Vec<u8>) -> std::io::Result<Option<String>> {
    loop {
        if let Some(at) = read.windows(4).position(|four| four == b"\r\n\r\n") {
            return Ok(Some(String::from_utf8_lossy(&read[..at + 4]).into_owned()));
        }
        if read.len() > REQUEST_MAX || stream.read_buf(read).await? == 0 {
            return Ok(None);
        }
    }
}

fn content_length(head: &str) -> usize {
    let lines = head.lines().filter_map(|line| line.split_once(':'));
    let mut lengths = lines.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    lengths.next().and_then(|(_, value)| value.trim().parse().ok()).unwrap_or_default()
}

async fn connect(port: u16, patience: Duration) -> Option<TcpStream> {
    let knock = async {
        loop {
            match TcpStream::connect(("127.0.0.1", port)).await {
                Ok(stream) => return Some(stream),
                Err(_) if patience.is_zero() => return None,
                Err(_) => tokio::time::sleep(AGAIN).await,
            }
        }
    };
    let limit = if patience.is_zero() { WAIT } else { patience };
    tokio::time::timeout(limit, knock).await.ok().flatten()
}

/// Writes down what the service acknowledged: only the first line of an answer says that it did.
fn note(world: &World, head: &str, body: &[u8], answer: &[u8]) {
    let is_ok = answer.starts_with(b"HTTP/1.1 2");
    let path = head.split(' ').nth(1).unwrap_or_default().split('?').next().unwrap_or_default();
    if path != "/twilio/status" {
        return world.count(if is_ok { "TwiML answers" } else { "TwiML questions not answered" });
    }
    if !is_ok {
        return world.count("the carrier's reports lost");
    }
    let fields = form::decode(&String::from_utf8_lossy(body));
    let field = |name: &str| fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
    let is_inbound = field("Direction").is_some_and(|direction| direction == "inbound");
    let number = field(if is_inbound { "From" } else { "To" });
    if let (Some(sid), Some(number), Some(place)) = (field("CallSid"), number, field("SequenceNumber")) {
        world.count("the carrier's reports acknowledged");
        let name = format!("{sid}:{place}");
        world.ledger().report(world.life(), Report { sid, number, name });
    }
}
