// tcp.rs: TcpListener and TcpStream in one process; `tcp ADDRESS` echoes for
// others until killed.
// SPDX-License-Identifier: Apache-2.0
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream, UdpSocket};
use std::thread;

fn echo(mut s: TcpStream) {
    let mut buf = [0; 4096];
    while let Ok(n) = s.read(&mut buf) {
        if n == 0 || s.write_all(&buf[..n]).is_err() {
            break;
        }
    }
}

fn main() {
    let address = std::env::args().nth(1);
    let l = TcpListener::bind(address.as_deref().unwrap_or("127.0.0.1:0")).unwrap();
    if address.is_some() {
        println!("listening");
        for s in l.incoming() {
            let s = s.unwrap();
            thread::spawn(move || echo(s));
        }
        return;
    }
    let at = l.local_addr().unwrap();
    println!("{} {}", at.ip(), at.port() != 0);
    let server = thread::spawn(move || {
        for _ in 0..4 {
            let (s, from) = l.accept().unwrap();
            assert!(from.ip().is_loopback());
            thread::spawn(move || echo(s));
        }
    });
    for i in 0..4 {
        let mut s = TcpStream::connect(at).unwrap();
        s.set_nodelay(true).unwrap();
        let mut lines = BufReader::new(s.try_clone().unwrap()).lines();
        for k in 0..100 {
            writeln!(s, "line {} of {}", k, i).unwrap();
            assert_eq!(lines.next().unwrap().unwrap(), format!("line {} of {}", k, i));
        }
        s.shutdown(Shutdown::Write).unwrap();
        println!("{} ends: {}", i, lines.next().is_none());
    }
    server.join().unwrap();
    println!("{:?}", TcpStream::connect(at).map(|_| ()).map_err(|e| e.kind()));
    let (a, b) = (
        UdpSocket::bind("127.0.0.1:0").unwrap(),
        UdpSocket::bind("127.0.0.1:0").unwrap(),
    );
    a.send_to(b"datagram", b.local_addr().unwrap()).unwrap();
    let mut buf = [0; 100];
    let (n, from) = b.recv_from(&mut buf).unwrap();
    println!("{} {}", String::from_utf8_lossy(&buf[..n]), from == a.local_addr().unwrap());
}
