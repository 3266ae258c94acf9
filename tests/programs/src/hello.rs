// hello.rs: Rust's std starts, formats, fails and panics.
// SPDX-License-Identifier: Apache-2.0
use std::collections::{BTreeMap, HashMap};
use std::io::{Read, Write};

fn main() {
    println!("Hello from Rust");
    for (i, a) in std::env::args().enumerate().skip(1) {
        println!("argument {}: {}", i, a);
    }
    println!("{:?}", std::env::var("GREETING"));
    let mut words: HashMap<&str, i32> = HashMap::new();
    for w in "a b a c b a".split(' ') {
        *words.entry(w).or_insert(0) += 1;
    }
    println!("{:?}", words.iter().collect::<BTreeMap<_, _>>());
    println!("{:?}", std::fs::File::open("/no/such/file").map(|_| ()));
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).unwrap();
    println!("{} bytes of input", text.len());
    let r = std::panic::catch_unwind(|| {
        let v: Vec<i32> = Vec::new();
        v[text.len() + 1]
    });
    println!("panicked: {}", r.is_err());
    std::io::stderr().write_all(b"to standard error\n").unwrap();
    std::process::exit(5);
}
