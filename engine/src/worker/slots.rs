//! Slots: what a worker shares with the tasks of its calls, and who holds which slot.

use std::sync::{Arc, PoisonError};

use atomic_waker::AtomicWaker;

use super::bell::Wakes;
use super::due::{Due, Side};
use crate::planted::Planted;
use crate::port::EndCause;
use crate::stats::Counters;
use crate::sync::{AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Mutex, Ordering};

/// What one worker shares with the tasks of all its calls.
#[derive(Debug)]
pub(crate) struct Shared {
    /// One per slot, for life.
    pub(crate) slots: Box<[Slot]>,
    /// Slots with something in a ring for the worker.
    pub(crate) due: Due,
    /// What the worker and its sockets count.
    pub(crate) counters: Arc<Counters>,
    /// A fault that a test has planted, to happen once; and one for good.
    planted: AtomicU8,
    standing: AtomicU8,
    free: Mutex<Vec<u32>>,
    active: AtomicUsize,
}

/// The shared part of a slot. Alone on its cache lines: worker and socket write to it.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct Slot {
    /// Counts clears. Written by the worker before it queues the clear, read by the writer before each message.
    pub(crate) epoch: AtomicU32,
    /// Samples written to the socket in this call. Stored by the writer before it writes.
    pub(crate) written: AtomicU64,
    /// Frames that the reader had no place for, until the worker takes the number.
    pub(crate) lost: AtomicU32,
    /// Why the socket is gone, as [`cause_code`] writes it. Stored by the socket before it lets go of its ring.
    cause: AtomicU32,
    /// What its socket is told from outside its ring, as an [`Order`].
    order: AtomicU8,
    socket: AtomicWaker,
    agent: AtomicWaker,
}

impl Slot {
    /// The socket is going, for this reason.
    pub(crate) fn set_cause(&self, cause: EndCause) {
        self.cause.store(cause_code(cause), Ordering::Relaxed);
    }

    /// Why the socket is gone.
    pub(crate) fn cause(&self) -> EndCause {
        match self.cause.load(Ordering::Relaxed) {
            0 => EndCause::SocketLost,
            1 => EndCause::Shutdown,
            code => EndCause::ProtocolError(code as u16),
        }
    }

    /// Gives the socket an order. The last one counts.
    pub(crate) fn order(&self, order: Order) {
        self.order.store(order as u8, Ordering::Release);
    }

    /// What the socket is to do that no ring tells it.
    pub(crate) fn ordered(&self) -> Order {
        match self.order.load(Ordering::Relaxed) {
            0 => Order::Carry,
            1 => Order::Abort,
            _ => Order::Stop,
        }
    }
}

/// What a socket is told from outside its ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Order {
    /// Go on.
    Carry = 0,
    /// Close without another word: the worker cannot reach the peer any more.
    Abort = 1,
    /// Close, because the engine stops.
    Stop = 2,
}

/// The causes that a socket can have, as a number; WebSocket close codes begin at 1000.
fn cause_code(cause: EndCause) -> u32 {
    match cause {
        EndCause::ProtocolError(code) => u32::from(code),
        EndCause::Shutdown => 1,
        _ => 0,
    }
}

impl Shared {
    pub(crate) fn new(slots: usize, counters: Arc<Counters>) -> Self {
        Self {
            slots: (0..slots).map(|_| Slot::default()).collect(),
            due: Due::new(slots),
            counters,
            planted: AtomicU8::new(0),
            standing: AtomicU8::new(0),
            free: Mutex::new((0..slots as u32).rev().collect()),
            active: AtomicUsize::new(0),
        }
    }

    /// How many slots are held.
    pub(crate) fn active(&self) -> usize {
        self.active.load(Ordering::Relaxed)
    }

    /// Plants a fault.
    pub(crate) fn plant(&self, fault: Planted) {
        let place = if Planted::STANDING.contains(&fault) { &self.standing } else { &self.planted };
        place.store(fault as u8, Ordering::Relaxed);
    }

    /// The fault that was planted for good.
    pub(crate) fn standing(&self) -> Option<Planted> {
        Planted::numbered(self.standing.load(Ordering::Relaxed))
    }

    /// Whether this fault was planted for good.
    pub(crate) fn has(&self, fault: Planted) -> bool {
        self.standing.load(Ordering::Relaxed) == fault as u8
    }

    /// Panics where a test has planted this fault, once.
    pub(super) fn panic_if_planted(&self, fault: Planted) {
        if self.planted.load(Ordering::Relaxed) == fault as u8 {
            self.planted.store(0, Ordering::Relaxed);
            panic!("planted by a test");
        }
    }

    /// Tells every socket that the engine stops.
    pub(crate) fn stop(&self) {
        for (index, slot) in self.slots.iter().enumerate() {
            slot.order(Order::Stop);
            self.wake(index, Wakes::Socket);
        }
    }

    /// Wakes a task of a slot. A task that no longer waits is not harmed.
    pub(crate) fn wake(&self, slot: usize, wakes: Wakes) {
        match wakes {
            Wakes::Socket => self.slots[slot].socket.wake(),
            Wakes::Agent => self.slots[slot].agent.wake(),
        }
    }

    /// Takes a free slot; `None` when all are held.
    pub(crate) fn lease(self: &Arc<Self>) -> Option<Arc<Lease>> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let slot = free.or_else(|| self.has(Planted::Overbooks).then_some(0))?;
        self.active.fetch_add(1, Ordering::Relaxed);
        let cell = &self.slots[slot as usize];
        cell.written.store(0, Ordering::Relaxed);
        cell.lost.store(0, Ordering::Relaxed);
        cell.cause.store(0, Ordering::Relaxed);
        cell.order.store(0, Ordering::Relaxed);
        Some(Arc::new(Lease { shared: self.clone(), slot: slot as usize }))
    }
}

/// A held slot. Free again when the last of its holders (socket, worker, agent) has let go, so that nobody ever
/// touches the slot of a later call.
#[derive(Debug)]
pub(crate) struct Lease {
    shared: Arc<Shared>,
    slot: usize,
}

impl Lease {
    /// The number of the slot.
    pub(crate) fn slot(&self) -> usize {
        self.slot
    }

    /// The worker's shared part.
    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// The slot's shared part.
    pub(crate) fn cell(&self) -> &Slot {
        &self.shared.slots[self.slot]
    }

    /// Tells the worker that a ring of that side has something for it.
    pub(crate) fn set_due(&self, side: Side) {
        self.shared.due.set(self.slot, side);
    }

    /// Remembers whom to wake when there is news for the socket.
    pub(crate) fn register_socket(&self, waker: &std::task::Waker) {
        self.cell().socket.register(waker);
    }

    /// Remembers whom to wake when there is news for the agent.
    pub(crate) fn register_agent(&self, waker: &std::task::Waker) {
        self.cell().agent.register(waker);
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.shared.active.fetch_sub(1, Ordering::Relaxed);
        self.shared.free.lock().unwrap_or_else(PoisonError::into_inner).push(self.slot as u32);
    }
}

#[cfg(all(test, not(offhook_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_free_again_only_when_the_last_holder_lets_go() {
        let shared = Arc::new(Shared::new(1, Arc::default()));
        let lease = shared.lease().expect("a free slot");
        let second_holder = lease.clone();
        drop(lease);
        assert!(shared.lease().is_none());
        drop(second_holder);
        assert_eq!(shared.active(), 0);
        assert!(shared.lease().is_some());
    }
}

#[cfg(all(test, offhook_loom))]
mod loom_tests {
    use super::*;
    use crate::sync::AtomicBool;
    use loom::thread;

    /// Socket and worker let go of a slot while a third takes one: whoever gets the slot finds it as new, and nobody
    /// gets it while it is held.
    #[test]
    fn loom_a_slot_is_handed_over_clean_and_to_one_at_a_time() {
        loom::model(|| {
            let shared = Arc::new(Shared::new(1, Arc::default()));
            let socket = shared.lease().expect("a free slot");
            let worker = socket.clone();
            let writer = thread::spawn(move || {
                socket.cell().written.fetch_add(160, Ordering::Release);
                socket.cell().set_cause(EndCause::ProtocolError(1008));
            });
            let reader = thread::spawn(move || drop(worker));
            if let Some(next) = shared.lease() {
                assert_eq!(next.cell().written.load(Ordering::Acquire), 0);
                assert_eq!(next.cell().cause(), EndCause::SocketLost);
                assert!(shared.lease().is_none(), "one slot, two holders");
            }
            writer.join().expect("no panic");
            reader.join().expect("no panic");
            assert_eq!(shared.active(), 0);
            assert!(shared.lease().is_some(), "the slot is lost");
        });
    }

    /// The worker raises the epoch before it queues the clear. A writer that has taken the clear drops all that is
    /// older, and one that has not may still send: the carrier then throws it away.
    #[test]
    fn loom_after_the_clear_nothing_older_is_sent() {
        loom::model(|| {
            let slot = Arc::new(Slot::default());
            let clear_queued = Arc::new(AtomicBool::new(false));
            let worker = {
                let (slot, clear_queued) = (slot.clone(), clear_queued.clone());
                thread::spawn(move || {
                    slot.epoch.store(1, Ordering::Release);
                    clear_queued.store(true, Ordering::Release);
                })
            };
            if clear_queued.load(Ordering::Acquire) {
                assert_eq!(slot.epoch.load(Ordering::Acquire), 1, "audio of epoch 0 would follow the clear");
            }
            worker.join().expect("no panic");
        });
    }

    /// The order in which a task waits: look, register, look again. Against a producer that pushes and then wakes, no
    /// wake-up is lost.
    #[test]
    fn loom_looking_again_after_registering_loses_no_wake() {
        loom::model(|| {
            let waker = loom::sync::Arc::new(loom::future::AtomicWaker::new());
            let ring = loom::sync::Arc::new(AtomicU32::new(0));
            let producer = {
                let (waker, ring) = (waker.clone(), ring.clone());
                thread::spawn(move || {
                    ring.store(1, Ordering::Release);
                    waker.wake();
                })
            };
            loom::future::block_on(std::future::poll_fn(|context| {
                let look = || ring.load(Ordering::Acquire) == 1;
                if look() {
                    return std::task::Poll::Ready(());
                }
                waker.register_by_ref(context.waker());
                if look() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
            }));
            producer.join().expect("no panic");
        });
    }
}
