//! What a plan allows for on one call: nothing is held against the engine that its surroundings did.

use std::time::Duration;

use crate::network::longest;
use crate::plan::{CallPlan, Fault, MindPlan, Plan};

/// A little of everything that is not worth a name: rounding, a tick more.
const CRUMBS: Duration = Duration::from_millis(5);

/// Allowances, each the most that its cause can add.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slack {
    /// From the caller to the server's reader.
    pub to_server: Duration,
    /// From the server's writer to the carrier.
    pub to_caller: Duration,
    /// By how much the way to the carrier varies.
    pub varies: Duration,
    /// Until something that waits for the worker is stepped.
    pub worker: Duration,
    /// Until something that waits for an I/O thread is done.
    pub io: Duration,
    /// Until an agent that was woken acts.
    pub agent: Duration,
    /// The network keeps its promises: no stalls, no fault of the connection or the agent.
    pub smooth: bool,
    /// Nothing stays away for so long that a clock decides what a mark should have.
    pub marks_return: bool,
    /// The scripted agent answers.
    pub scripted: bool,
    /// The line has nothing on it that might be taken for a voice.
    pub quiet_line: bool,
}

impl Slack {
    /// What this call of this world may take.
    #[must_use]
    pub fn of(plan: &Plan, call: &CallPlan) -> Self {
        let weather = &call.weather;
        let not_read: Duration = call.faults.iter().map(|(_, fault)| not_read(*fault)).sum();
        let (stalls_in, stalls_out) = (longest(&weather.stalls_in), longest(&weather.stalls_out) + not_read);
        let io = plan.io_late + plan.look_every + CRUMBS;
        let noise = &call.script.noise;
        Self {
            to_server: weather.slowest() + stalls_in,
            to_caller: weather.slowest() + stalls_out,
            varies: weather.jitter + weather.bunch + stalls_out + io,
            worker: plan.tick * 2 + plan.tick_late + longest(&plan.stalls) + CRUMBS,
            io,
            agent: call.slow + CRUMBS,
            smooth: call.faults.is_empty() && stalls_in.is_zero() && stalls_out.is_zero() && plan.stalls.is_empty(),
            marks_return: call.faults.is_empty() && stalls_in + stalls_out + longest(&plan.stalls) < FOR_A_MARK,
            scripted: call.mind == MindPlan::Script,
            quiet_line: noise.coughs_per_min + noise.clicks_per_min + noise.typing_per_min == 0.0,
        }
    }

    /// There and back, the worker's wait included.
    #[must_use]
    pub fn round_trip(&self) -> Duration {
        self.to_caller + self.to_server + self.io * 2 + self.worker
    }

    /// From something that the agent is told to the sound of what it says to that.
    #[must_use]
    pub fn answer(&self) -> Duration {
        self.agent + self.worker * 2 + self.io + self.to_caller
    }
}

/// Half of what the engine waits for a mark.
const FOR_A_MARK: Duration = Duration::from_secs(1);

fn not_read(fault: Fault) -> Duration {
    if let Fault::NotRead(lasts) = fault { lasts } else { Duration::ZERO }
}
