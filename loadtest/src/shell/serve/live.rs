//! One live call: driven to its end, its news told as they come.

use tokio::sync::mpsc;

use super::Told;
use crate::call::model::{CallPlan, Order};
use crate::rest::news::Watcher;
use crate::shell::clock::Clock;
use crate::shell::drive;
use crate::shell::route::Route;

/// Plays the call beside everything else. That it is over is told even if it breaks.
pub(super) fn spawn(
    plan: CallPlan,
    clock: Clock,
    route: Route,
    orders: mpsc::Receiver<Order>,
    tell: mpsc::UnboundedSender<Told>,
) {
    let sid = plan.sids.call.clone();
    let (call, news) = (sid.clone(), tell.clone());
    let playing = tokio::spawn(async move {
        let mut watcher = Watcher::default();
        let watch = move |seen: &_| {
            for item in watcher.look(seen) {
                // The desk is gone when the program ends.
                let _ = news.send(Told::News(call.clone(), item));
            }
        };
        drive::run_ordered(plan, clock, route, orders, watch).await;
    });
    tokio::spawn(async move {
        let _ = playing.await;
        let _ = tell.send(Told::Over(sid));
    });
}
