// threads.rs: threads, channels, locks, condition variables, sleeping.
// SPDX-License-Identifier: Apache-2.0
use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{mpsc, Arc, Barrier, Condvar, Mutex, RwLock};
use std::thread;
use std::time::{Duration, Instant};

thread_local! { static MINE: Cell<u32> = Cell::new(1); }

fn main() {
    let total = Arc::new(Mutex::new(0u64));
    let hands: Vec<_> = (0..8)
        .map(|i| {
            let total = total.clone();
            thread::spawn(move || {
                MINE.with(|m| m.set(m.get() + i));
                for _ in 0..5000 {
                    *total.lock().unwrap() += 1;
                }
                MINE.with(|m| m.get())
            })
        })
        .collect();
    let mine: u32 = hands.into_iter().map(|h| h.join().unwrap()).sum();
    println!("{} {}", *total.lock().unwrap(), mine);

    let (tx, rx) = mpsc::channel();
    for i in 0..4 {
        let tx = tx.clone();
        thread::spawn(move || {
            for k in 0..1000u64 {
                tx.send(i * 1000 + k).unwrap();
            }
        });
    }
    drop(tx);
    println!("{}", rx.iter().sum::<u64>());

    let r = thread::spawn(|| panic!("on purpose")).join();
    println!("panicked: {}", r.is_err());

    let pair = Arc::new((Mutex::new(0), Condvar::new()));
    let theirs = pair.clone();
    let h = thread::spawn(move || {
        for i in 1..=1000 {
            let mut n = theirs.0.lock().unwrap();
            while *n != 2 * i - 1 {
                n = theirs.1.wait(n).unwrap();
            }
            *n += 1;
            theirs.1.notify_one();
        }
    });
    for i in 0..1000 {
        let mut n = pair.0.lock().unwrap();
        while *n != 2 * i {
            n = pair.1.wait(n).unwrap();
        }
        *n += 1;
        pair.1.notify_one();
    }
    h.join().unwrap();
    println!("{}", *pair.0.lock().unwrap());

    let rw = Arc::new(RwLock::new(vec![0u8; 16]));
    let seen = Arc::new(AtomicUsize::new(0));
    let gate = Arc::new(Barrier::new(4));
    let hands: Vec<_> = (0..4u8)
        .map(|i| {
            let (rw, seen, gate) = (rw.clone(), seen.clone(), gate.clone());
            thread::spawn(move || {
                gate.wait();
                rw.write().unwrap()[i as usize] = i + 1;
                gate.wait();
                let s: u8 = rw.read().unwrap().iter().sum();
                seen.fetch_add(s as usize, Ordering::SeqCst);
            })
        })
        .collect();
    for h in hands {
        h.join().unwrap();
    }
    println!("{}", seen.load(Ordering::SeqCst));

    let start = Instant::now();
    thread::sleep(Duration::from_millis(10));
    println!("slept: {}", start.elapsed() >= Duration::from_millis(10));
    let (m, c) = (Mutex::new(()), Condvar::new());
    let g = m.lock().unwrap();
    let (_g, t) = c.wait_timeout(g, Duration::from_millis(5)).unwrap();
    println!("timed out: {}", t.timed_out());
}
