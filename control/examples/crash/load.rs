//! The load: calls that are wanted placed, people who call in, and what is reported of their calls.

use std::sync::Arc;
use std::time::Duration;

use loadtest::rng::Rng;
use serde_json::json;
use tokio::task::JoinSet;

use crate::carrier::{self, Carrier};
use crate::ledger::Wish;
use crate::reports;
use crate::world::World;

/// How soon it is looked whether something has changed.
const LOOK: Duration = Duration::from_millis(100);

/// How often things happen, per second.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rates {
    pub(crate) wishes: f64,
    pub(crate) callers: f64,
}

/// Makes calls until no more are wanted; returns when all that was begun is acknowledged.
pub(crate) async fn run(world: Arc<World>, carrier: Carrier, rates: Rates) {
    let placing = place(Arc::clone(&world), rates.wishes);
    let calling = call_in(world, carrier, rates.callers);
    tokio::join!(placing, calling);
}

/// The time to the next of what happens so often, without memory.
fn pause(rng: &mut Rng, per_s: f64) -> Duration {
    Duration::from_secs_f64((-(1.0 - rng.unit()).ln() / per_s).min(10.0))
}

async fn place(world: Arc<World>, per_s: f64) {
    let (mut rng, mut wishes) = (world.rng("place", 0), JoinSet::new());
    for n in 0.. {
        tokio::time::sleep(pause(&mut rng, per_s)).await;
        if !world.is_loading() {
            break;
        }
        wishes.spawn(wish(Arc::clone(&world), n));
    }
    drop(wishes.join_all().await);
}

/// One call, asked for until there is an answer; for some, once more after the service was killed.
async fn wish(world: Arc<World>, n: u64) {
    let to = carrier::called(n);
    let (key, path) = (format!("wish-{}-{n}", world.seed), format!("{}/calls", world.tenant));
    let body = json!({ "to": to, "ring_s": 5, "metadata": { "wish": n } }).to_string();
    // The first time by hand, so that what had to be asked again is counted.
    let answer = match world.api.post(&path, &key, &body).await {
        Some(answer) if answer.status == 201 => answer,
        _ => {
            world.count("creates asked for again");
            world.api.post_until_answered(&path, &key, &body).await
        }
    };
    let Some(call) = answer.body["id"].as_str().filter(|_| answer.status == 201).map(str::to_owned) else {
        return world.fault("creates are taken", None, format!("{key} is answered {} {}", answer.status, answer.body));
    };
    world.count("creates acknowledged");
    let life = world.life();
    let wish = Wish { key, body, to, call };
    world.ledger().wish(life, wish.clone());
    if n.is_multiple_of(3) {
        while world.life() == life && world.is_loading() {
            tokio::time::sleep(LOOK).await;
        }
        again(&world, &wish).await;
    }
}

/// The same key once more: it must be the same call.
pub(crate) async fn again(world: &World, wish: &Wish) {
    let answer = world.api.post_until_answered(&format!("{}/calls", world.tenant), &wish.key, &wish.body).await;
    world.count("creates repeated");
    if answer.status != 201 || answer.body["id"] != *wish.call {
        let what = format!("{} was {}, and then {} {}", wish.key, wish.call, answer.status, answer.body);
        world.fault("a key is one call", Some(&wish.call), what);
    }
}

async fn call_in(world: Arc<World>, carrier: Carrier, per_s: f64) {
    let (mut rng, mut calls) = (world.rng("callers", 0), JoinSet::new());
    for n in 0.. {
        tokio::time::sleep(pause(&mut rng, per_s)).await;
        if !world.is_loading() {
            break;
        }
        let (from, script) = (carrier::caller(n), carrier::script_of_caller(&mut rng));
        match carrier.call_in(&from, script).await {
            Ok(sid) => {
                world.count("callers");
                calls.spawn(reports::of_call(Arc::clone(&world), carrier.clone(), n, sid, from));
            }
            Err(error) => world.fault("the carrier works", None, format!("{error:#}")),
        }
    }
    drop(calls.join_all().await);
}
